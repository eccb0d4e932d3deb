"""Shared platforms: hosts that everybody uses, and some for crime. A URL there may be an indicator, the host never."""

from __future__ import annotations

#: Where each page or file is somebody's and the host is nobody's: the host and every name below it.
_WHOLE = frozenset((
    "0x0.st", "1drv.ms", "amazon.com", "amzn.to", "anonfiles.com", "apple.com", "archive.org", "arweave.net",
    "bing.com", "bit.ly", "bitbucket.org", "box.com", "catbox.moe", "cdn.discordapp.com", "controlc.com", "cutt.ly",
    "discord.com", "discord.gg", "discordapp.com", "docs.google.com", "drive.google.com", "dropbox.com",
    "dropboxusercontent.com", "etherscan.io", "evernote.com", "facebook.com", "fb.me", "file.io", "forms.gle",
    "forms.office.com", "gist.github.com", "git.io", "github.com", "githubusercontent.com", "gitlab.com", "gofile.io",
    "goo.gl", "google.co.jp", "google.com", "googleusercontent.com", "graph.microsoft.com", "hackmd.io",
    "hatenablog.com", "hybrid-analysis.com", "imgur.com", "instagram.com", "is.gd", "line.me", "linkedin.com",
    "live.com", "lnkd.in", "mediafire.com", "medium.com", "mega.co.nz", "mega.nz", "microsoft.com", "mozilla.org",
    "note.com", "notion.site", "notion.so", "office.com", "onedrive.live.com", "outlook.com", "ow.ly", "paste.ee",
    "pastebin.com", "pixeldrain.com", "qiita.com", "qrco.de", "raw.githubusercontent.com", "rebrand.ly", "reddit.com",
    "rentry.co", "s.id", "sharepoint.com", "shorturl.at", "slack.com", "sourceforge.net", "steamcommunity.com",
    "t.co", "t.ly", "t.me", "telegra.ph", "telegram.com", "telegram.me", "telegram.org", "tiktok.com", "tinyurl.com",
    "transfer.sh", "trello.com", "twitter.com", "urlscan.io", "v.gd", "virustotal.com", "vk.com", "wa.me",
    "wetransfer.com", "whatsapp.com", "wikipedia.org", "x.com", "x.gd", "yahoo.co.jp", "yahoo.com", "youtu.be",
    "youtube.com", "zoom.us",
))  # fmt: skip
#: Where the names below are their users' own and may be indicators: the host alone.
_ITSELF = frozenset((
    "amazonaws.com", "appspot.com", "azureedge.net", "azurewebsites.net", "b-cdn.net", "blob.core.windows.net",
    "blogspot.com", "cloudflare.com", "cloudflareaccess.com", "cloudfront.net", "duckdns.org", "firebaseapp.com",
    "firebaseio.com", "fc2.com", "fly.dev", "github.io", "gitlab.io", "glitch.me", "herokuapp.com", "jimdofree.com",
    "netlify.app", "ngrok-free.app", "ngrok.io", "no-ip.org", "onrender.com", "pages.dev", "r2.dev", "repl.co",
    "s3.amazonaws.com", "sakura.ne.jp", "storage.googleapis.com", "surge.sh", "translate.goog", "trycloudflare.com",
    "vercel.app", "web.app", "web.core.windows.net", "webflow.io", "weebly.com", "wixsite.com", "wordpress.com",
    "workers.dev", "xsrv.jp",
))  # fmt: skip


def is_platform(name: str) -> bool:
    """Whether a canonical host name is a shared platform's, so that it says nothing of any one user of it."""
    bare = name.removeprefix("www.")
    return bare in _ITSELF or is_under(name, _WHOLE)


def is_under(name: str, domains: frozenset[str]) -> bool:
    """Whether a canonical host name is one of the domains or lies below one."""
    while name not in domains:
        _, dot, name = name.partition(".")
        if not dot:
            return False
    return True
