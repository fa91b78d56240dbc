# SPDX-License-Identifier: BSD-2-Clause
#
# proxy_store, and the options of the socket: proxy_bind, keepalive, buffers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $big = join '', map { pack 'N', $_ } 1 .. 50_000;
my $backend = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my $uri = $request->uri;
    my $status = $uri =~ /missing/ ? 404 : 200;
    my $body = $uri =~ /big/ ? $big : "body of $uri";

    if ($uri =~ /slow/) {
        $c->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        $c->send(sprintf("%x\r\n%s\r\n", length $big, $big)) for 1 .. 40;
        return "0\r\n\r\n";
    }
    if ($uri =~ /short/) {
        $c->send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
        $c->close;
        return undef;
    }
    $body = $c->socket->peerhost if $uri =~ /from/;
    return "HTTP/1.1 $status X\r\nLast-Modified: "
        . "Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body";
});
my $up = $backend->port;

my $t = Weir::Test->new;
$t->mkdir('root/made');
chmod 0777, $t->path('root'), $t->path('root/made');
$t->run(<<"EOC");
%%HTTP%%
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server {
        listen 127.0.0.1:%%PORT%%;
        location /made/ { root %%TESTDIR%%/root; error_page 404 = /fetch\$uri; }
        location ~ ^/fetch(/made/.*)\$ { proxy_pass http://127.0.0.1:$up;
            proxy_store %%TESTDIR%%/root\$1;
            proxy_store_access user:rw group:r all:r; }
        location /stored/ { proxy_pass http://127.0.0.1:$up;
            root %%TESTDIR%%/root; proxy_store on; }
        location /buffered/ { proxy_pass http://127.0.0.1:$up;
            proxy_buffering off;
            proxy_store %%TESTDIR%%/root\$uri; }
        location /from { proxy_pass http://127.0.0.1:$up;
            proxy_bind 127.0.0.2; }
        location /fromvar { proxy_pass http://127.0.0.1:$up;
            proxy_bind \$arg_a; }
        location /fromoff { proxy_pass http://127.0.0.1:$up;
            proxy_bind off; proxy_socket_keepalive on; }
    }
}
EOC

sub stored {
    my ($name) = @_;

    wait_until(sub { -e $t->path($name) }, 3);
    return $t->read($name);
}

is $t->get('/made/a')->body, 'body of /fetch/made/a', 'fetched';
is stored('root/made/a'), 'body of /fetch/made/a', 'and stored';
is +(stat $t->path('root/made/a'))[9], 784111777, 'with its date';
is +(stat _)[2] & 0777, 0644, 'and the access that was asked for';
$backend->forget;
is $t->get('/made/a')->body, 'body of /fetch/made/a', 'from then on';
is scalar($backend->requests), 0, 'without the upstream';

is $t->get('/stored/deep/b')->body, 'body of /stored/deep/b', 'folders';
is stored('root/stored/deep/b'), 'body of /stored/deep/b', 'are made';
ok $t->get('/stored/big')->body eq $big, 'a large one';
ok stored('root/stored/big') eq $big, 'is stored whole'
    or diag(-s $t->path('root/stored/big'));
ok $t->get('/buffered/big')->body eq $big, 'without buffering';
ok is_oracle || stored('root/buffered/big') eq $big, 'just as well';
my $slow = $t->connect;
$slow->send_request('GET', '/stored/slow');
ok is_oracle() || $t->wait_log(qr/buffered to a temporary file/),
    'a client that waits';
ok $slow->read_response->body eq $big x 40, 'gets all';
ok stored('root/stored/slow') eq $big x 40, '... all of it is stored';
is $t->get('/stored/missing')->status, 404, 'an error';
ok !-e $t->path('root/stored/missing'), 'is not stored';
$t->get('/stored/short');
is $t->get('/stored/b')->status, 200, 'another request';
ok !-e $t->path('root/stored/short'), 'nor what is incomplete';

is $t->get('/from')->body, '127.0.0.2', 'proxy_bind';
is $t->get('/fromvar?a=127.0.0.3')->body, '127.0.0.3', 'with variables';
is $t->get('/fromvar')->body, '127.0.0.1', 'of nothing';
is $t->get('/fromoff')->body, '127.0.0.1', 'off';

# What is no path and no rate.
sub refused {
    my ($setting) = @_;
    my $conf = conf_test("%%HTTP%%\nserver { listen 127.0.0.1:%%PORT%%;\n"
        . "location / { $setting; } } }");

    return $conf->{code} ? $conf->{first} : 'taken';
}

SKIP: {
    skip_before('1.27.3', 'proxy_store "" is refused');
    like refused('proxy_store ""'), qr/^empty path in F:/, 'an empty path';
}
like refused("proxy_limit_rate $_"),
    qr/^"proxy_limit_rate" directive invalid value in F:/,
    "proxy_limit_rate $_" for qw(abc on -1 10x);
is refused('proxy_limit_rate 10k'), 'taken', 'a rate that is one';

done_testing;
