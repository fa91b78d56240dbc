# SPDX-License-Identifier: BSD-2-Clause
#
# What if in a location takes over from it: content handlers, paths, headers,
# access; what it does not: try_files, lists that it has itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/file', 'the file');
$t->write('html/a.txt', 'plain a');
$t->write('html/index.html', 'index');
$t->write('html/dir/index.html', 'dir index');
$t->write('other/a.txt', 'other a');
$t->write('html/b.css', 'css');
$t->write('alias/a.txt', 'alias a');
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    server { listen 127.0.0.1:%%PORT%%; server_name localhost; root %%TESTDIR%%/html;
        location /show { return 200 "$uri?$args|$request_uri|$is_args"; }
        location /h/ { alias %%TESTDIR%%/html/; add_header X-Out o; add_trailer X-T t;
            expires 1h; if ($arg_a) { }
            if ($arg_b) { add_header X-In i; }
            if ($arg_c) { expires off; }
            if ($arg_d) { add_trailer X-T2 t; }
            if ($arg_e) { add_header X-E e always; return 404; } }
        location /p0 { proxy_pass http://127.0.0.1:%%PORT_up%%; if ($arg_a) { } }
        location /p1 { proxy_pass http://127.0.0.1:%%PORT_up%%/uri; if ($arg_a) { set $x 1; } }
        location /p2/ { proxy_pass http://127.0.0.1:%%PORT_up%%/;
            if ($arg_a) { proxy_pass http://127.0.0.1:%%PORT_up%%; } }
        location /p3/ { proxy_pass http://127.0.0.1:%%PORT_up%%/;
            if ($arg_a) { rewrite ^/p3/(.*)$ /x/$1 break; } }
        location /p4/ { proxy_pass http://127.0.0.1:%%PORT_up%%/y$uri;
            if ($arg_a) { rewrite ^/p4/(.*)$ /x/$1 break; } }
        location /p5/ { proxy_pass http://127.0.0.1:%%PORT_up%%;
            if ($arg_a) { rewrite ^/p5/(.*)$ /x/$1 break; } }
        location /p6/ { proxy_set_header X-A b;
            if ($arg_a) { proxy_pass http://127.0.0.1:%%PORT_up%%; } return 200 none; }
        location /p7/ { proxy_pass http://127.0.0.1:%%PORT_up%%;
            if ($arg_a) { root %%TESTDIR%%/other; }
        location /p7/n { root %%TESTDIR%%/html; } }
        location ~ ^/p8/(.*)$ { proxy_pass http://127.0.0.1:%%PORT_up%%/z/$1; if ($arg_a) { }
            if ($arg_b ~ (.)(.)) { } }
        location /p9/ { if ($arg_a) { proxy_pass http://127.0.0.1:%%PORT_up%%; }
            if ($arg_b) { add_header X-B b; } alias %%TESTDIR%%/html/; }
        location /pa/ { proxy_pass http://127.0.0.1:%%PORT_up%%/A/; proxy_method POST;
            if ($arg_a) { } }
        location /t/ { root %%TESTDIR%%/html; try_files /file =404; if ($arg_a) { } }
        location /t2/ { try_files $uri /file; if ($arg_a) { add_header X y; } }
        location /t3 { try_files /nosuch @named; if ($arg_a) { } }
        location @named { return 200 "named $uri"; }
        location /le { limit_except GET { deny all; }
            if ($arg_a) { } root %%TESTDIR%%/html; rewrite ^ /file break; }
        location /le2 { limit_except GET { deny all; }
            if ($arg_a) { return 200 inif; } proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /le3 { set $v 1; limit_except GET { proxy_pass http://127.0.0.1:%%PORT_up%%; }
        rewrite ^ /file break; }
        location /le4 { if ($arg_a) { set $v 1; } limit_except GET { deny all; } return 200 "x$v"; }
        location /r/ { root %%TESTDIR%%/html; rewrite ^/r(.*)$ $1 break;
            if ($arg_a) { root %%TESTDIR%%/other; } }
        location /r2/ { rewrite ^/r2(.*)$ $1 break; if ($arg_a) { root %%TESTDIR%%/other; } }
        location /al/ { alias %%TESTDIR%%/alias/; if ($arg_a) { }
            if ($arg_b) { set $x 1; }
            if ($arg_c) { root %%TESTDIR%%/other; } }
        location ~ ^/al2/(.*)$ { alias %%TESTDIR%%/alias/$1; if ($arg_a) { }
            if ($arg_b ~ (z)) { } }
        location /al3 { alias %%TESTDIR%%/alias; if ($arg_a) { add_header X y; } }
        location /ix/ { alias %%TESTDIR%%/html/dir/; index index.html; if ($arg_a) { }
            if ($arg_b) { add_header X-B b; } }
        location /ai/ { alias %%TESTDIR%%/html/dir/; autoindex on; index nothing; if ($arg_a) { } }
        location /eg { empty_gif; if ($arg_a) { } }
        location /ac/ { alias %%TESTDIR%%/html/; deny all; if ($arg_a) { } }
        location /ac2/ { alias %%TESTDIR%%/html/; if ($arg_a) { } auth_basic x;
            auth_basic_user_file %%TESTDIR%%/nofile; }
        location /ep { error_page 404 = @named; if ($arg_a) { error_page 404 /file; }
            if ($arg_b) { } root %%TESTDIR%%/nosuch; }
        location /dt/ { alias %%TESTDIR%%/html/; default_type a/b; types { }
            if ($arg_a) { }
            if ($arg_c) { set $x 1; } }
        location /cs/ { alias %%TESTDIR%%/html/; charset utf-8; if ($arg_a) { }
            if ($arg_b) { charset koi8-r; } }
        location /lr/ { alias %%TESTDIR%%/html/; if ($arg_a) { limit_rate 10k; }
            if ($arg_b) { sendfile on; } }
        location /al9/ { access_log off; alias %%TESTDIR%%/html/;
            if ($arg_a) { access_log %%TESTDIR%%/access.log; }
            if ($arg_b) { } }
        location /mu/ { alias %%TESTDIR%%/html/; if ($arg_a) { add_header X-A a; }
            if ($arg_b) { add_header X-B b; }
            if ($arg_c) { add_header X-C c; } }
        location /mu2/ { if ($arg_a) { set $s a; }
            if ($arg_b) { break; } add_header X-S "s$s"; if ($arg_c) { return 200 c; } return 200 end; }
        location /nest/ { if ($arg_a) { add_header X-A a; return 200 "if"; }
        location /nest/in { if ($arg_b) { return 200 "inb"; } return 200 in; } return 200 nest; }
        location /nest2/ { if ($arg_a) { set $n a; }
        location /nest2/in { return 200 "[$n]"; } add_header X-N n;
            location /nest2/p { proxy_pass http://127.0.0.1:%%PORT_up%%; } }
        location /rd/ { if ($arg_a) { return 301 /x; }
            if ($arg_b) { rewrite ^ /y permanent; }
            if ($arg_c) { rewrite ^ /show; }
            if ($arg_d) { rewrite ^ /show last; }
            if ($arg_e) { rewrite ^ /file break; }
            if ($arg_f) { rewrite ^ /file; break; } return 200 "stay $uri"; }
        location /ve/ { valid_referers none blocked example.com;
            if ($invalid_referer) { return 403; } return 200 ok; }
        location /cm/ { client_max_body_size 3; if ($arg_a) { set $x 1;
            } proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /mi/ { internal; if ($arg_a) { } return 200 x; }
        location /et/ { alias %%TESTDIR%%/html/; etag off; if_modified_since off; if ($arg_a) { }
            if ($arg_b) { add_header X b; } }
        location /gz/ { alias %%TESTDIR%%/html/; add_header X-1 1; if ($arg_a) { expires 1d; }
            if ($arg_b) { expires -1; add_header X-2 2; } }
        }
    server { listen 127.0.0.1:%%PORT_up%%; add_header X-Up 1;
        return 200 "up $request_method $request_uri"; }
}
EOC

# Request => body, or [status, body or Location]; a built-in page is not shown.
my @table = (
    '/p0' => 'up GET /p0',
    '/p0?a=1' => 'up GET /p0?a=1',
    '/p0?b=1' => 'up GET /p0?b=1',
    '/p0?c=1' => 'up GET /p0?c=1',
    '/p0?b=zy' => 'up GET /p0?b=zy',
    '/p1' => 'up GET /uri',
    '/p1?a=1' => 'up GET /uri?a=1',
    '/p1?b=1' => 'up GET /uri?b=1',
    '/p1?c=1' => 'up GET /uri?c=1',
    '/p1?b=zy' => 'up GET /uri?b=zy',
    '/p1/x' => 'up GET /uri/x',
    '/p1/x?a=1' => 'up GET /uri/x?a=1',
    '/p1/x?b=1' => 'up GET /uri/x?b=1',
    '/p1/x?c=1' => 'up GET /uri/x?c=1',
    '/p1/x?b=zy' => 'up GET /uri/x?b=zy',
    '/p2/x' => 'up GET /x',
    '/p2/x?a=1' => 'up GET /p2/x?a=1',
    '/p2/x?b=1' => 'up GET /x?b=1',
    '/p2/x?c=1' => 'up GET /x?c=1',
    '/p2/x?b=zy' => 'up GET /x?b=zy',
    '/p3/x' => 'up GET /x',
    '/p3/x?a=1' => 'up GET /x/x?a=1',
    '/p3/x?b=1' => 'up GET /x?b=1',
    '/p3/x?c=1' => 'up GET /x?c=1',
    '/p3/x?b=zy' => 'up GET /x?b=zy',
    '/p4/x' => 'up GET /y/p4/x',
    '/p4/x?a=1' => 'up GET /y/x/x',
    '/p4/x?b=1' => 'up GET /y/p4/x',
    '/p4/x?c=1' => 'up GET /y/p4/x',
    '/p4/x?b=zy' => 'up GET /y/p4/x',
    '/p5/x' => 'up GET /p5/x',
    '/p5/x?a=1' => 'up GET /x/x?a=1',
    '/p5/x?b=1' => 'up GET /p5/x?b=1',
    '/p5/x?c=1' => 'up GET /p5/x?c=1',
    '/p5/x?b=zy' => 'up GET /p5/x?b=zy',
    '/p6/x' => 'none',
    '/p6/x?a=1' => 'none',
    '/p6/x?b=1' => 'none',
    '/p6/x?c=1' => 'none',
    '/p6/x?b=zy' => 'none',
    '/p7/x' => 'up GET /p7/x',
    '/p7/x?a=1' => 'up GET /p7/x?a=1',
    '/p7/x?b=1' => 'up GET /p7/x?b=1',
    '/p7/x?c=1' => 'up GET /p7/x?c=1',
    '/p7/x?b=zy' => 'up GET /p7/x?b=zy',
    '/p7/n' => [404],
    '/p7/n?a=1' => [404],
    '/p7/n?b=1' => [404],
    '/p7/n?c=1' => [404],
    '/p7/n?b=zy' => [404],
    '/p8/x' => 'up GET /z/',
    '/p8/x?a=1' => 'up GET /z/',
    '/p8/x?b=1' => 'up GET /z/',
    '/p8/x?c=1' => 'up GET /z/',
    '/p8/x?b=zy' => 'up GET /z/z',
    '/p8/x%20y' => 'up GET /z/',
    '/p8/x%20y?a=1' => 'up GET /z/',
    '/p8/x%20y?b=1' => 'up GET /z/',
    '/p8/x%20y?c=1' => 'up GET /z/',
    '/p8/x%20y?b=zy' => 'up GET /z/z',
    '/p9/file' => 'the file',
    '/p9/file?a=1' => 'up GET /p9/file?a=1',
    '/p9/file?b=1' => 'the file',
    '/p9/file?c=1' => 'the file',
    '/p9/file?b=zy' => 'the file',
    '/pa/x' => 'up POST /A/x',
    '/pa/x?a=1' => 'up POST /A/x?a=1',
    '/pa/x?b=1' => 'up POST /A/x?b=1',
    '/pa/x?c=1' => 'up POST /A/x?c=1',
    '/pa/x?b=zy' => 'up POST /A/x?b=zy',
    '/t/x' => 'the file',
    '/t/x?a=1' => [404],
    '/t/x?b=1' => 'the file',
    '/t/x?c=1' => 'the file',
    '/t/x?b=zy' => 'the file',
    '/t2/x' => 'the file',
    '/t2/x?a=1' => [404],
    '/t2/x?b=1' => 'the file',
    '/t2/x?c=1' => 'the file',
    '/t2/x?b=zy' => 'the file',
    '/t3' => 'named /t3',
    '/t3?a=1' => [404],
    '/t3?b=1' => 'named /t3',
    '/t3?c=1' => 'named /t3',
    '/t3?b=zy' => 'named /t3',
    '/le' => 'the file',
    '/le?a=1' => 'the file',
    '/le?b=1' => 'the file',
    '/le?c=1' => 'the file',
    '/le?b=zy' => 'the file',
    '/le2' => 'up GET /le2',
    '/le2?a=1' => 'inif',
    '/le2?b=1' => 'up GET /le2?b=1',
    '/le2?c=1' => 'up GET /le2?c=1',
    '/le2?b=zy' => 'up GET /le2?b=zy',
    '/le3' => 'the file',
    '/le3?a=1' => 'the file',
    '/le3?b=1' => 'the file',
    '/le3?c=1' => 'the file',
    '/le3?b=zy' => 'the file',
    '/le4' => 'x',
    '/le4?a=1' => 'x1',
    '/le4?b=1' => 'x',
    '/le4?c=1' => 'x',
    '/le4?b=zy' => 'x',
    '/le5' => 'the file',
    '/le5?a=1' => 'the file',
    '/le5?b=1' => 'the file',
    '/le5?c=1' => 'the file',
    '/le5?b=zy' => 'the file',
    '/r/a.txt' => 'plain a',
    '/r/a.txt?a=1' => 'plain a',
    '/r/a.txt?b=1' => 'plain a',
    '/r/a.txt?c=1' => 'plain a',
    '/r/a.txt?b=zy' => 'plain a',
    '/r2/a.txt' => 'plain a',
    '/r2/a.txt?a=1' => 'plain a',
    '/r2/a.txt?b=1' => 'plain a',
    '/r2/a.txt?c=1' => 'plain a',
    '/r2/a.txt?b=zy' => 'plain a',
    '/al/a.txt' => 'alias a',
    '/al/a.txt?a=1' => 'alias a',
    '/al/a.txt?b=1' => 'alias a',
    '/al/a.txt?c=1' => [404],
    '/al/a.txt?b=zy' => 'alias a',
    '/al2/a.txt' => [301, '/al2/a.txt/'],
    '/al2/a.txt?a=1' => [301, '/al2/a.txt/?a=1'],
    '/al2/a.txt?b=1' => [301, '/al2/a.txt/?b=1'],
    '/al2/a.txt?c=1' => [301, '/al2/a.txt/?c=1'],
    '/al2/a.txt?b=zy' => [404],
    '/al3/a.txt' => 'alias a',
    '/al3/a.txt?a=1' => 'alias a',
    '/al3/a.txt?b=1' => 'alias a',
    '/al3/a.txt?c=1' => 'alias a',
    '/al3/a.txt?b=zy' => 'alias a',
    '/ix/' => 'dir index',
    '/ix/?a=1' => 'dir index',
    '/ix/?b=1' => 'dir index',
    '/ix/?c=1' => 'dir index',
    '/ix/?b=zy' => 'dir index',
    '/ac/file' => [403],
    '/ac/file?a=1' => [403],
    '/ac/file?b=1' => [403],
    '/ac/file?c=1' => [403],
    '/ac/file?b=zy' => [403],
    '/ep' => 'named /ep',
    '/ep?a=1' => [404, 'the file'],
    '/ep?b=1' => 'named /ep',
    '/ep?c=1' => 'named /ep',
    '/ep?b=zy' => 'named /ep',
    '/dt/file' => 'the file',
    '/dt/file?a=1' => 'the file',
    '/dt/file?b=1' => 'the file',
    '/dt/file?c=1' => 'the file',
    '/dt/file?b=zy' => 'the file',
    '/dt/a.txt' => 'plain a',
    '/dt/a.txt?a=1' => 'plain a',
    '/dt/a.txt?b=1' => 'plain a',
    '/dt/a.txt?c=1' => 'plain a',
    '/dt/a.txt?b=zy' => 'plain a',
    '/cs/a.txt' => 'plain a',
    '/cs/a.txt?a=1' => 'plain a',
    '/cs/a.txt?b=1' => 'plain a',
    '/cs/a.txt?c=1' => 'plain a',
    '/cs/a.txt?b=zy' => 'plain a',
    '/lr/file' => 'the file',
    '/lr/file?a=1' => 'the file',
    '/lr/file?b=1' => 'the file',
    '/lr/file?c=1' => 'the file',
    '/lr/file?b=zy' => 'the file',
    '/al9/file' => 'the file',
    '/al9/file?a=1' => 'the file',
    '/al9/file?b=1' => 'the file',
    '/al9/file?c=1' => 'the file',
    '/al9/file?b=zy' => 'the file',
    '/mu/file' => 'the file',
    '/mu/file?a=1' => 'the file',
    '/mu/file?b=1' => 'the file',
    '/mu/file?c=1' => 'the file',
    '/mu/file?b=zy' => 'the file',
    '/mu2/x' => 'end',
    '/mu2/x?a=1' => 'end',
    '/mu2/x?b=1' => [404],
    '/mu2/x?c=1' => 'c',
    '/mu2/x?d=1' => 'end',
    '/mu2/x?e=1' => 'end',
    '/mu2/x?f=1' => 'end',
    '/mu2/x?a=1&b=1' => [404],
    '/mu2/x?b=zy' => [404],
    '/mu2/x?a=1&b=1&c=1' => [404],
    '/nest/x' => 'nest',
    '/nest/x?a=1' => 'if',
    '/nest/x?b=1' => 'nest',
    '/nest/x?c=1' => 'nest',
    '/nest/x?d=1' => 'nest',
    '/nest/x?e=1' => 'nest',
    '/nest/x?f=1' => 'nest',
    '/nest/x?a=1&b=1' => 'if',
    '/nest/x?b=zy' => 'nest',
    '/nest/x?a=1&b=1&c=1' => 'if',
    '/nest/in' => 'in',
    '/nest/in?a=1' => 'in',
    '/nest/in?b=1' => 'inb',
    '/nest/in?c=1' => 'in',
    '/nest/in?d=1' => 'in',
    '/nest/in?e=1' => 'in',
    '/nest/in?f=1' => 'in',
    '/nest/in?a=1&b=1' => 'inb',
    '/nest/in?b=zy' => 'inb',
    '/nest/in?a=1&b=1&c=1' => 'inb',
    '/nest2/in' => '[]',
    '/nest2/in?a=1' => '[]',
    '/nest2/in?b=1' => '[]',
    '/nest2/in?c=1' => '[]',
    '/nest2/in?d=1' => '[]',
    '/nest2/in?e=1' => '[]',
    '/nest2/in?f=1' => '[]',
    '/nest2/in?a=1&b=1' => '[]',
    '/nest2/in?b=zy' => '[]',
    '/nest2/in?a=1&b=1&c=1' => '[]',
    '/nest2/p' => 'up GET /nest2/p',
    '/nest2/p?a=1' => 'up GET /nest2/p?a=1',
    '/nest2/p?b=1' => 'up GET /nest2/p?b=1',
    '/nest2/p?c=1' => 'up GET /nest2/p?c=1',
    '/nest2/p?b=zy' => 'up GET /nest2/p?b=zy',
    '/rd/x' => 'stay /rd/x',
    '/rd/x?a=1' => [301, '/x'],
    '/rd/x?b=1' => [301, '/y?b=1'],
    '/rd/x?c=1' => 'stay /show',
    '/rd/x?d=1' => '/show?d=1|/rd/x?d=1|?',
    '/rd/x?e=1' => 'the file',
    '/rd/x?f=1' => 'the file',
    '/rd/x?a=1&b=1' => [301, '/x'],
    '/rd/x?b=zy' => [301, '/y?b=zy'],
    '/rd/x?a=1&b=1&c=1' => [301, '/x'],
    '/ve/' => 'ok',
    '/ve/?a=1' => 'ok',
    '/ve/?b=1' => 'ok',
    '/ve/?c=1' => 'ok',
    '/ve/?b=zy' => 'ok',
    '/cm/' => 'up GET /cm/',
    '/cm/?a=1' => 'up GET /cm/?a=1',
    '/cm/?b=1' => 'up GET /cm/?b=1',
    '/cm/?c=1' => 'up GET /cm/?c=1',
    '/cm/?b=zy' => 'up GET /cm/?b=zy',
    '/mi/' => [404],
    '/mi/?a=1' => [404],
    '/mi/?b=1' => [404],
    '/mi/?c=1' => [404],
    '/mi/?b=zy' => [404],
    '/et/file' => 'the file',
    '/et/file?a=1' => 'the file',
    '/et/file?b=1' => 'the file',
    '/et/file?c=1' => 'the file',
    '/et/file?b=zy' => 'the file',
    '/gz/file' => 'the file',
    '/gz/file?a=1' => 'the file',
    '/gz/file?b=1' => 'the file',
    '/gz/file?c=1' => 'the file',
    '/gz/file?b=zy' => 'the file',
    'POST /le' => [403],
    'POST /le?a=1' => [403],
    'POST /le2' => [403],
    'POST /le2?a=1' => [403],
    'POST /le3' => 'up POST /le3',
    'POST /le3?a=1' => 'up POST /le3?a=1',
    'POST /le4' => [403],
    'POST /le4?a=1' => [403],
    'POST /le5' => [403],
    'POST /cm/' => [413],
    'POST /cm/?a=1' => [413],
    'POST /p0?a=1' => 'up POST /p0?a=1',
    'POST /p1?a=1' => 'up POST /uri?a=1',
    'POST /h/file?a=1' => [405],
    'POST /rd/?d=1' => '/show?d=1|/rd/?d=1|?',
    'POST /rd/?a=1' => [301, '/x'],
);
$t->outcomes(@table);

sub names { return join ' ', grep { $t->get($_[0])->header("X-$_") } qw(A B C) }

is names('/mu/file?a=1&b=1&c=1'), 'C', 'the last if that holds';
is names('/mu/file?a=1&b=1'), 'B', '... of two';
is $t->get('/h/file?a=1')->header('X-Out'), 'o', 'add_header is inherited';
is $t->get('/h/file?b=1')->header('X-Out'), undef, '... not beside others';
is $t->get('/h/file?b=1')->header('X-In'), 'i', '... which are sent';
is $t->get('/h/file?a=1')->header('Cache-Control'), 'max-age=3600',
    'expires is inherited';
is $t->get('/h/file?c=1')->header('Cache-Control'), undef, 'expires off';
is $t->get('/h/file?e=1')->header('X-E'), 'e', 'always';
done_testing;
