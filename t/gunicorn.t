# SPDX-License-Identifier: BSD-2-Clause
#
# Gunicorn with an application in Python, behind proxy_pass, over TCP and a unix
# socket: what the application receives, bodies both ways, chunked and not, its
# status lines, streams and its ends, and connections that are kept.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Weir::Program;
use Weir::Test;

need_program('gunicorn');

my $t = Weir::Test->new;
my $port = $t->port('app');
my $socket = $t->path('app.sock');

chmod 0755, $t->dir;
Weir::Program->new(
    command => ['gunicorn', '--chdir', "$FindBin::Bin/data/wsgi", '-w', 1, '-k',
                'gthread', '--threads', 8, '--keep-alive', 20, '-b',
                "127.0.0.1:$port", '-b', "unix:$socket", '--umask', 0,
                '--forwarded-allow-ips', '127.0.0.1', 'app:application'],
    ports => [$port], log => $t->path('gunicorn.log'),
    env => { PYTHONDONTWRITEBYTECODE => 1 });

$t->run(<<"EOC");
%%HTTP%%
    client_max_body_size 20m;
    proxy_read_timeout 1s;
    proxy_http_version 1.1;
    proxy_set_header Host \$http_host;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto \$scheme;
    upstream tcp { server 127.0.0.1:$port; keepalive 4; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://tcp; }
        location /direct/ { proxy_request_buffering off; proxy_buffering off; proxy_pass http://tcp/; }
    }
    server {
        listen 127.0.0.1:%%PORT_unix%%;
        location / { proxy_pass http://unix:$socket; }
        location /direct/ { proxy_request_buffering off; proxy_buffering off; proxy_pass http://unix:$socket:/; }
    }
}
EOC

for my $way ('', 'unix') {
    my @at = (port => $t->port($way || undef));
    my $name = $way || 'tcp';

    my $r = $t->get('/a%20b?x=1&y=%20', @at, host => 'a.test:81',
                    headers => ['X-Some' => 'v', Cookie => 'a=b', TE => 'trailers']);
    my %got = map { split /=/, $_, 2 } split /\n/, $r->body;
    delete @got{ grep { /^(?:SERVER_SOFTWARE|REMOTE_PORT|RAW_URI|REMOTE_ADDR)$/ } keys %got };
    is_deeply \%got, {
        QUERY_STRING => 'x=1&y=%20', REQUEST_METHOD => 'GET', SCRIPT_NAME => '',
        PATH_INFO => '/a b', SERVER_PROTOCOL => 'HTTP/1.1',
        SERVER_NAME => $way ? 'a.test' : '127.0.0.1',
        SERVER_PORT => $way ? 81 : $port, HTTP_HOST => 'a.test:81',
        HTTP_X_SOME => 'v', HTTP_COOKIE => 'a=b',
        HTTP_X_FORWARDED_FOR => '127.0.0.1', HTTP_X_FORWARDED_PROTO => 'http',
    }, "$name: what it receives" or diag $r->body;

    for my $from ('', '/direct') {
        for my $n (0, 1, 100_000, 4_000_000) {
            my $body = substr 'abcdefghijklmno' x ($n / 15 + 1), 0, $n;
            is $t->request('POST', "$from/echo", @at, body => $body)->body,
                "$n " . md5_hex($body), "$name$from: a body of $n bytes";
        }
        is $t->request('POST', "$from/echo", @at, chunks => ['one', 'two' x 50_000])
            ->body, '150003 ' . md5_hex('one' . 'two' x 50_000),
            "$name$from: a body of unknown length";
        is md5_hex($t->get("$from/large", @at)->body),
            md5_hex('0123456789abcdef' x (1 << 18)), "$name$from: 4 MiB";
        ok !$t->get("$from/cut", @at)->complete,
            "$name$from: too short is not complete";
    }
    $r = $t->get('/status', @at);
    is join(',', $r->status, $r->reason, $r->headers('X-A')),
        '418,Short and stout,1,2', "$name: a status line, headers";
    is $t->get('/none', @at)->status, 204, "$name: no body";

    my $until = $t->path("until-$name");
    my $c = $t->connect(@at);
    $c->send_request('GET', '/stream', headers => ['X-Until' => $until]);
    ok defined $c->read_until(qr/first\n/), "$name: a stream";
    $t->write("until-$name", '');
    ok defined $c->read_until(qr/last\n/), "$name: its end";
}

my @ports = map { $t->get('/')->body =~ /^REMOTE_PORT=(\d+)$/m } 1 .. 5;
is scalar(grep { $_ == $ports[0] } @ports), 5, 'connections are kept';

done_testing;
