# SPDX-License-Identifier: BSD-2-Clause
#
# charset: where its name is put into Content-Type.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_charset');

my $t = Weir::Test->new;
$t->write("html/f.$_", 'text') for qw(html txt css bin);
$t->write('html/d/f.html', 'below');
$t->run(<<'EOC');
%%HTTP%%
    root %%TESTDIR%%/html;
    charset utf-8;
    types { text/html html; Text/Plain txt; text/css css; }
    default_type application/octet-stream;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { }
        location /off/ { alias %%TESTDIR%%/html/; charset off; }
        location /own/ { alias %%TESTDIR%%/html/; charset koi8-r;
                         charset_types text/css; }
        location /all/ { alias %%TESTDIR%%/html/; charset_types *; }
        location /var/ { alias %%TESTDIR%%/html/; charset $arg_c; }
        location /if/ { alias %%TESTDIR%%/html/;
                        if ($arg_if) { charset windows-1251; } }
        location /return { default_type text/plain; return 200 x; }
        location /moved { return 301 /x; }
        location /found { return 302 /x; }
        location /other { return 307 /x; }
        location /up/ { proxy_pass http://127.0.0.1:%%PORT_up%%/; }
    }
    server {
        listen 127.0.0.1:%%PORT_up%%;
        charset off;
        location /plain { add_header Content-Type text/plain;
                          default_type ""; return 200 x; }
        location /named { default_type "text/plain; charset=koi8-u";
                          return 200 x; }
    }
}
EOC

my @types = (
    '/f.html' => 'text/html; charset=utf-8',
    '/f.txt' => 'Text/Plain; charset=utf-8',
    '/f.css' => 'text/css',
    '/f.bin' => 'application/octet-stream',
    '/off/f.html' => 'text/html',
    '/own/f.html' => 'text/html; charset=koi8-r',
    '/own/f.css' => 'text/css; charset=koi8-r',
    '/own/f.txt' => 'Text/Plain',
    '/all/f.bin' => 'application/octet-stream; charset=utf-8',
    '/var/f.html?c=big5' => 'text/html; charset=big5',
    '/if/f.html' => 'text/html; charset=utf-8',
    '/if/f.html?if=1' => 'text/html; charset=windows-1251',
    '/return' => 'text/plain; charset=utf-8',
    '/moved' => 'text/html',
    '/found' => 'text/html',
    '/other' => 'text/html; charset=utf-8',
    '/d' => 'text/html',
    '/none' => 'text/html; charset=utf-8',
    '/up/plain' => 'text/plain; charset=utf-8',
    '/up/named' => 'text/plain; charset=koi8-u',
);
while (my ($uri, $type) = splice @types, 0, 2) {
    is $t->get($uri)->header('Content-Type'), $type, $uri;
}
like $t->get('/f.txt', headers => [Range => 'bytes=0-0,2-2'])->body,
    qr/Content-Type: Text\/Plain; charset=utf-8\r\n/, 'parts of a range';

done_testing;
