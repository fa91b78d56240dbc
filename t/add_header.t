# SPDX-License-Identifier: BSD-2-Clause
#
# add_header: which responses, which levels, variables.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/f', '0123456789');
$t->run(<<'EOC');
%%HTTP%%
    add_header X-Http http;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location / { }
        location /own/ { add_header X-Own own; add_header X-Two "a b";
                         alias %%TESTDIR%%/html/; }
        location /repeat { add_header X-R 1; add_header X-R 2; return 200; }
        location /var { add_header X-Var "u=$uri s=$status"; return 200; }
        location /empty { add_header X-Empty $arg_none; return 200; }
        location /always { add_header X-A yes always; return 404; }
        location /never { add_header X-A yes; return 404; }
        location /codes { add_header X-A yes;
            location /codes/200 { return 200; }
            location /codes/201 { return 201; }
            location /codes/202 { return 202; }
            location /codes/204 { return 204; }
            location /codes/301 { return 301 /x; }
            location /codes/302 { return 302 /x; }
            location /codes/303 { return 303 /x; }
            location /codes/307 { return 307 /x; }
            location /codes/308 { return 308 /x; }
            location /codes/400 { return 400; }
            location /codes/500 { return 500; }
        }
        location /special/ { alias %%TESTDIR%%/html/;
            add_header Cache-Control no-store;
            add_header Last-Modified "Mon, 01 Jan 2024 00:00:00 GMT";
        }
        location /ranges/ { alias %%TESTDIR%%/html/;
            add_header Accept-Ranges none; }
        location /beside/ { alias %%TESTDIR%%/html/; add_header Server mine;
                            add_header Last-Modified x; add_header ETag y; }
        location /moved { add_header Location mine; return 301 /x; }
        location /inherit/ { add_header X-Outer o;
            location /inherit/in { return 200; }
            location /inherit/own { add_header X-Inner i; return 200; } }
    }
}
EOC

my $r = $t->get('/f');
is $r->header('X-Http'), 'http', 'inherited from http';
$r = $t->get('/own/f');
is $r->header('X-Http'), undef, 'a list of its own replaces the outer one';
is $r->header('X-Own'), 'own', 'its own';
is $r->header('X-Two'), 'a b', 'a second one';
is_deeply [$t->get('/repeat')->headers('X-R')], [1, 2], 'one name twice';
is $t->get('/var')->header('X-Var'), 'u=/var s=200', 'variables';
is $t->get('/empty')->header('X-Empty'), undef, 'empty ones are left out';
is $t->get('/always')->header('X-A'), 'yes', 'always';
is $t->get('/never')->header('X-A'), undef, 'not with 404';
for my $code (200, 201, 204, 301, 302, 303, 307, 308) {
    is $t->get("/codes/$code")->header('X-A'), 'yes', "with $code";
}
for my $code (202, 400, 500) {
    is $t->get("/codes/$code")->header('X-A'), undef, "not with $code";
}
is $t->get('/own/f', headers => [Range => 'bytes=0-1'])->header('X-Own'),
    'own', 'with 206';
my $modified = $t->get('/f')->header('Last-Modified');
is $t->get('/own/f', headers => ['If-Modified-Since' => $modified])
    ->header('X-Own'), 'own', 'with 304';
$r = $t->get('/special/f');
is $r->header('Cache-Control'), 'no-store', 'Cache-Control';
is_deeply [$r->headers('Last-Modified')], ['Mon, 01 Jan 2024 00:00:00 GMT'],
    'Last-Modified is replaced';
is $t->get('/inherit/in')->header('X-Outer'), 'o', 'into a nested location';
$r = $t->get('/inherit/own');
is $r->header('X-Outer'), undef, 'not beside a list of its own';
is $r->header('X-Inner'), 'i', 'nested, its own';

is_deeply [($t->get('/beside/f')->headers('Server'))[1]], ['mine'],
    'Server, beside our own';
like join(' ', $t->get('/moved')->headers('Location')), qr{^http://\S+/x mine$},
    'Location, beside that of a redirect';
$r = $t->get('/beside/f', headers => [Range => 'bytes=99-']);
is $r->status, 416, 'a range that is none';
is $r->header('Last-Modified'), undef, '... takes Last-Modified away';
is $r->header('ETag'), undef, '... and ETag';
is join(' ', sort $t->get('/ranges/f')->headers('Accept-Ranges')),
    'bytes none', 'Accept-Ranges, beside our own';

done_testing;
