# SPDX-License-Identifier: BSD-2-Clause
#
# rewrite: flags, captures, arguments, and what follows a changed URI.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/target.txt', 'the file');
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        rewrite ^/server/(.*)$ /shown/$1;
        location /shown { return 200 "$uri?$args"; }
        location /simple/ { rewrite ^/simple/(.*)$ /shown/$1; }
        location /last/ { rewrite ^/last/(.*)$ /shown/$1 last;
                          return 200 "not here"; }
        location /goes/ { rewrite ^/goes/(.*)$ /shown/$1;
                          return 200 "goes on $uri"; }
        location /break/ { rewrite ^ /target.txt break; return 200 never; }
        location /temp/ { rewrite ^/temp/(.*)$ /new/$1 redirect; }
        location /perm/ { rewrite ^/perm/(.*)$ /new/$1 permanent; }
        location /url/ { rewrite ^/url/(.*)$ http://x.test/$1; }
        location /args/ { rewrite ^ /shown?added=1; }
        location /noargs/ { rewrite ^ /shown?; }
        location /named/ { rewrite ^/named/(?<first>\w+)/(?<rest>.*)$
                                   /shown/$rest/$first; }
        location /chain/ { rewrite ^/chain/(.*)$ /chain2/$1;
                           rewrite ^/chain2/(.*)$ /shown/$1; }
        location /nomatch/ { rewrite ^/other /shown; return 200 same; }
        location /nocase/ { rewrite (?i)^/NOCASE/(.*)$ /shown/$1; }
        location /loop/ { rewrite ^ /loop/again; }
        location /decoded/ { rewrite ^/decoded/(.*)$ /shown/$1 last; }
        location /reenc/ { rewrite ^/reenc/(.*)$ /new/$1 redirect; }
        location /var/ { set $where /shown; rewrite ^ $where$arg_x? last; }
        location /kept/ { rewrite ^/kept/(.*)$ /shown/$1 last; }
        location /log/ { rewrite_log on; rewrite ^ /shown; }
        location /proxy/ { rewrite ^/proxy/(.*)$ /p/$1 break;
                           proxy_pass http://127.0.0.1:%%PORT_up%%; }
    }
    server { listen 127.0.0.1:%%PORT_up%%; return 200 "up $request_uri"; }
}
EOC

my $here = 'http://localhost:' . $t->port;
$t->answers(
    # request                answer
    '/server/x'           => '/shown/x?',
    '/simple/x'           => '/shown/x?',
    '/last/x'             => '/shown/x?',
    '/goes/x'             => 'goes on /shown/x',
    '/break/x'            => 'the file',
    '/args/x'             => '/shown?added=1',
    '/args/x?a=b'         => '/shown?added=1&a=b',
    '/noargs/x?a=b'       => '/shown?',
    '/named/one/two'      => '/shown/two/one?',
    '/chain/x'            => '/shown/x?',
    '/nomatch/x'          => 'same',
    '/nocase/x'           => '/shown/x?',
    '/decoded/a%20b%25'   => '/shown/a b%?',
    '/var/?x=y'           => '/showny?',
    '/kept/x?a=%20b'      => '/shown/x?a=%20b',
    '/log/x'              => '/shown?',
    '/proxy/a%20b?c=d'    => 'up /p/a%20b?c=d',
);

my @redirects = (
    '/temp/x'          => [302, "$here/new/x"],
    '/temp/x?a=b'      => [302, "$here/new/x?a=b"],
    '/perm/x'          => [301, "$here/new/x"],
    '/url/x'           => [302, 'http://x.test/x'],
    '/reenc/a%20b'     => [302, "$here/new/a%20b"],
);
while (my ($uri, $wanted) = splice @redirects, 0, 2) {
    my $r = $t->get($uri);
    is $r->status, $wanted->[0], $uri;
    is $r->header('Location'), $wanted->[1], "$uri: Location";
}

is $t->get('/loop/')->status, 500, 'a loop ends';
my $cycle = 'rewrite or internal redirection cycle while processing';
ok $t->wait_log(qr{\[error\] .* $cycle "/loop/again", client:}),
    'a loop: the log';
ok $t->wait_log(qr{\[notice\] .* "\^" matches "/log/x", client:}),
    'rewrite_log: the match';
ok $t->wait_log(qr{\[notice\] .* rewritten data: "/shown", args: "", client:}),
    'rewrite_log: the result';

done_testing;
