# SPDX-License-Identifier: BSD-2-Clause
#
# return: texts, redirects, codes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new->run(<<'EOC');
%%HTTP%%
    default_type text/x-default;
    types { text/css css; }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name named.test;
        location = /text { return 200 "text $uri"; }
        location = /empty { return 200; }
        location = /blank { return 200 ""; }
        location = /a.css { return 200 "a {}"; }
        location = /json { default_type application/json;
                           return 200 '{"a": 1}'; }
        location = /204 { return 204; }
        location = /404text { return 404 "gone away"; }
        location = /500text { return 500 oops; }
        location = /status { return 503 "status $status"; }
        location = /301 { return 301 /there; }
        location = /302 { return 302 http://x.test/a?b=c; }
        location = /303 { return 303 /there; }
        location = /307 { return 307 /there; }
        location = /308 { return 308 /there; }
        location = /304 { return 304; }
        location = /url { return https://x.test$request_uri; }
        location = /scheme { return $scheme://y.test/; }
        location = /relative { absolute_redirect off; return 301 /there; }
        location = /name { server_name_in_redirect on; return 301 /there; }
        location = /noport { port_in_redirect off; return 301 /there; }
        location = /crlf { return 302 /$arg_x; }
        location = /444 { return 444; }
        location = /999 { return 999 "high"; }
        location /long { return 200 "$request_uri"; }
        location = /chain { return 200 first; return 200 second; }
    }
    server { listen 127.0.0.1:%%PORT_server%%; return 410 "all gone"; 
             location / { return 200 never; } }
}
EOC

my $here = 'http://localhost:' . $t->port;
my @table = (
    # request        status  body         type               Location
    '/text'     => [200, 'text /text', 'text/x-default'],
    '/empty'    => [200, '', 'text/x-default'],
    '/blank'    => [200, '', 'text/x-default'],
    '/a.css'    => [200, 'a {}', 'text/css'],
    '/json'     => [200, '{"a": 1}', 'application/json'],
    '/204'      => [204, '', undef],
    '/404text'  => [404, 'gone away', 'text/x-default'],
    '/500text'  => [500, 'oops', 'text/x-default'],
    '/status'   => [503, 'status 503', 'text/x-default'],
    '/301'      => [301, qr/301 Moved Permanently/, 'text/html',
                    "$here/there"],
    '/302'      => [302, qr/302 Found/, 'text/html', 'http://x.test/a?b=c'],
    '/303'      => [303, qr/303 See Other/, 'text/html', "$here/there"],
    '/307'      => [307, qr/307 Temporary Redirect/, 'text/html',
                    "$here/there"],
    '/308'      => [308, qr/308 Permanent Redirect/, 'text/html',
                    "$here/there"],
    '/304'      => [304, '', 'text/x-default'],
    '/url'      => [302, qr/302 Found/, 'text/html', 'https://x.test/url'],
    '/scheme'   => [302, qr/302 Found/, 'text/html', 'http://y.test/'],
    '/relative' => [301, qr/301/, 'text/html', '/there'],
    '/name'     => [301, qr/301/, 'text/html',
                    'http://named.test:' . $t->port . '/there'],
    '/noport'   => [301, qr/301/, 'text/html', 'http://localhost/there'],
    '/chain'    => [200, 'first', 'text/x-default'],
    '/999'      => [999, 'high', 'text/x-default'],
);
while (my ($uri, $wanted) = splice @table, 0, 2) {
    my ($status, $body, $type, $where) = @$wanted;
    my $r = $t->get($uri);
    is $r->status, $status, $uri;
    ref $body ? like($r->body, $body, "$uri: body")
              : is($r->body, $body, "$uri: body");
    is $r->header('Content-Type'), $type, "$uri: type";
    is $r->header('Location'), $where, "$uri: Location";
}
is $t->get('/444')->raw, '', '444: nothing';
is $t->get('/', port => 'server')->body, 'all gone', 'in server';
is $t->post('/text', 'body')->body, 'text /text', 'POST';
is $t->head('/text')->header('Content-Length'), 10, 'HEAD';
my $before = qr/^Location: .*^Connection: /ms;
like $t->get('/301', close => 1)->head, $before, 'our URL, before Connection';
unlike $t->get('/302', close => 1)->head, $before, '... or a given one, behind';
unlike $t->get('/relative', close => 1)->head, $before, '... or a path';
my $long = '/long?' . 'x' x 7000;
is $t->get($long)->body, $long, 'a long text';
is $t->get('/text', version => '1.0')->body, 'text /text', 'HTTP/1.0';

done_testing;
