# SPDX-License-Identifier: BSD-2-Clause
"""A server that leans on the language: 200 locations by regular expression,
of which the 191st matches, 50 maps, all of which are looked up by each
request, and 30 add_header with variables."""

LOCATIONS, MAPS, HEADERS = 200, 50, 30
MATCHING = 190  # from 0

PATH = "/en/section-190/articles/2026/some-longer-title.html?page=3&q=abc"
FIELDS = [
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate",
    "Cookie: session=0123456789abcdef; theme=dark; lang=en",
    "Referer: http://www.example.com/en/section-190/",
]

# What people write: by folder, by extension, with captures, without case.
PATTERNS = [
    "~ ^/(?:de|fr|en)/area-%d/(.*)$",
    "~* \\.(?:jpe?g%d|png|gif)$",
    "~ ^/api/v%d/users/(?<user%d>[0-9]+)/?$",
    "~ /\\.(?:git|svn|ht)%d",
    "~ \\.php%d$",
    "~* ^/wp-(?:admin|login|content)%d/",
    "~ ^/app%d/",
    "~ ^(.+\\.php%d)(/.*)$",
    "~* ^/static%d/.*\\.(?:css|js)$",
    "~ ^/shop%d/([a-z0-9-]+)/item\\.html$",
]
WANTED = "~ ^/(?<tongue>[a-z][a-z])/section-%d/(.*)\\.html$" % MATCHING

# What is looked up; tables of names, of host names, of patterns.
SOURCES = ["$host", "$http_user_agent", "$uri", "$arg_page", "$cookie_theme",
           "$request_method", "$http_accept_language", "$http_referer",
           "$remote_addr", "$scheme$host"]
FIXED = ["$host", "$uri", "$remote_addr", "$scheme", "$request_method"]


def one_map(k):
    source = SOURCES[k % len(SOURCES)]
    lines = ["default none%d;" % k]
    if k % 3 == 0:
        lines += ["value%d-%d v%d;" % (k, i, i) for i in range(20)]
        lines += ["GET get;", "dark night;", "3 third;", "127.0.0.1 here;"]
    elif k % 3 == 1:
        lines += ["hostnames;", ".example.com example;", "*.x.org x;",
                  "127.0.* net;", "www.site.* site;"]
        lines += ["site%d.example.net s%d;" % (i, i) for i in range(10)]
    else:
        lines += ["~^/api/ api;", "~*bot|crawl|spider bot;",
                  "~^http://www%d\\. other;" % k, "~*chrome/(\\d+) c$1;",
                  "\"~^(?<first%d>[a-z])\" f;" % k, "plain p;"]
    return "    map %s $mapped%d {\n        %s\n    }\n" % (
        source, k, "\n        ".join(lines))


def one_location(k):
    """The one that matches answers; the others only have to be there."""
    if k == MATCHING:
        head, body = WANTED, own_lines()
    else:
        pattern = PATTERNS[k % len(PATTERNS)]
        head = pattern % ((k,) * pattern.count("%d"))
        body = ["return 404;"]
    return "        location %s {\n            %s\n        }\n" % (
        head, "\n            ".join(body))


def own_lines():
    """30 fields with 25 maps, 10 maps by set, the others in the log."""
    lines = ["set $copy%d $mapped%d;" % (k, k) for k in range(25, 35)]
    for k in range(HEADERS - len(FIXED)):
        text = "$mapped%d" % k if k % 2 else "id=%d; value=$mapped%d" % (k, k)
        lines.append("add_header X-Field-%d \"%s\";" % (k, text))
    for k, name in enumerate(FIXED):
        lines.append("add_header X-Fixed-%d \"%s\" always;" % (k, name))
    return lines + ["return 200 \"ok\\n\";"]


def configuration():
    """For servers.Kind: a text whose %(names)s are filled in at start."""
    maps = "".join(one_map(k) for k in range(MAPS))
    places = "".join(one_location(k) for k in range(LOCATIONS))
    logged = " ".join("$mapped%d" % k for k in range(35, MAPS))
    return HEAD + (maps + """
    log_format language '$remote_addr "$request" $status %s';
    access_log %%(dir)s/access.log language buffer=64k;
    server {
        listen 127.0.0.1:%%(port)d;
""" % logged + places.replace("%", "%%") + "    }\n}\n")


HEAD = """
%(user)s
daemon off;
worker_processes 1;
pid %(dir)s/pid;
error_log %(dir)s/error.log;
%(extra)s
events { worker_connections %(connections)d; }
http {
    default_type text/html;
    keepalive_timeout 300s;
    variables_hash_max_size 2048;
    client_body_temp_path %(dir)s/t1;
    proxy_temp_path %(dir)s/t2;
    fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4;
    scgi_temp_path %(dir)s/t5;
"""
