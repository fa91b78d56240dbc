# SPDX-License-Identifier: BSD-2-Clause
#
# try_files: files, directories, the last word as a URI, a code or a named
# location.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/index.html', 'front');
$t->write('html/a.txt', 'file a');
$t->write('html/dir/index.html', 'dir index');
$t->write('html/dir2/x', 'x');
$t->write('html/fallback.html', 'fallback');
$t->write('html/page.html', 'page');
$t->write('other/b.txt', 'file b');
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location / { try_files $uri $uri/ /fallback.html; }
        location /files/ { alias %%TESTDIR%%/html/; try_files $uri =404; }
        location /html/ { try_files /nosuch $uri.html /page.html =404; }
        location /code/ { try_files $uri =410; }
        location /named/ { try_files $uri @named; }
        location @named { return 200 "named $uri $args"; }
        location /args/ { try_files /nosuch /show?from=$uri&$args; }
        location /show { return 200 "$uri $args"; }
        location /order/ { try_files /a.txt /page.html =404; }
        location /slash/ { try_files /dir/ =404; }
        location /nodir/ { try_files /dir =404; }
        location /index/ { try_files /nosuch/ /dir/ =404; }
        location /other/ { root %%TESTDIR%%; try_files $uri =404; }
        location /empty { try_files /nosuch ""; }
        location /blank { try_files /nosuch $arg_n; }
        location /after/ { try_files /nosuch /other/b.txt; }
        location /status/ { try_files /nosuch =204; }
        location /post/ { try_files /nosuch @named; }
        location ~ \.php$ { try_files $uri =404; return 200 "php"; }
        location /intern/ { try_files /nosuch /hidden; }
        location /hidden { internal; return 200 "hidden $request_uri"; }
        location /proxied/ { try_files /nosuch @up; }
        location @up { proxy_pass http://127.0.0.1:%%PORT_up%%; }
    }
    server { listen 127.0.0.1:%%PORT_up%%; return 200 "up $request_uri"; }
    server {
        listen 127.0.0.1:%%PORT_server%%;
        root %%TESTDIR%%/html;
        try_files $uri /fallback.html;
    }
}
EOC

$t->answers(
    '/a.txt'        => [200, 'file a'],
    '/'             => [200, 'front'],
    '/dir/'         => [200, 'dir index'],
    '/nosuch'       => [200, 'fallback'],
    '/nosuch/deep'  => [200, 'fallback'],
    '/html/x'       => [200, 'page'],
    '/code/x'       => [410],
    '/named/x?q=1'  => [200, 'named /named/x q=1'],
    '/args/x?q=1'   => [200, '/show from=/args/x&q=1'],
    '/order/x'      => [200, 'file a'],
    '/nodir/'       => [404],
    '/other/b.txt'  => [200, 'file b'],
    '/after/'       => [200, 'file b'],
    '/status/'      => [204],
    '/x.php'        => [200, 'php'],
    '/intern/x'     => [200, 'hidden /intern/x'],
    '/proxied/x?y'  => [200, 'up /proxied/x?y'],
);
is $t->get('/dir2')->status, 301, 'a directory without its slash';
like $t->get($_)->header('Location') // '', qr{^http://[^/]+/$},
    "$_: an empty URI is the folder" for qw(/empty /blank);
is $t->get('/dir2/')->status, 403, 'a directory without an index';
is $t->post('/post/', 'x')->body, 'named /post/ ', 'POST';
is $t->get('/a.txt', port => 'server')->body, 'file a', 'in server';
is $t->get('/zzz', port => 'server')->body, 'fallback', 'in server: fallback';

done_testing;
