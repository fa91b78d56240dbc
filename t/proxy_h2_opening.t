# SPDX-License-Identifier: BSD-2-Clause
#
# Requests that come while the first connection to an HTTP/2 upstream is being
# opened wait for that one; what becomes of them when it fails, carries one
# request only, is left by the client that it was opened for, or takes too long.
#
# The upstreams are weir itself behind relays, which hold the handshake of TLS
# until a file says that all requests are there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Backend;
use Weir::H2Peer;
use Weir::Test;
use Weir::TLS;

need_tls();
plan skip_all => 'nginx opens one for each' if is_oracle();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue('up', by => 'ca', names => ['up.test']);

my %relay;

# Passes on what comes on either side, until one of them ends.
sub relay {
    my ($client, $server) = @_;
    my %to = ($client => $server, $server => $client);

    for (1 .. 100_000) {
        vec(my $bits = '', fileno $client, 1) = 1;
        vec($bits, fileno $server, 1) = 1;
        select $bits, undef, undef, 60 or return;
        for my $from ($client, $server) {
            next if !vec $bits, fileno $from, 1;
            sysread($from, my $part, 65536) or return;
            for (my $at = 0; $at < length $part;) {
                $at += syswrite($to{$from}, $part, length($part) - $at, $at)
                    // return;
            }
        }
    }
}

# What it does when the file is there: "ok", or "bad": closes.
sub verdict {
    my ($name) = @_;
    my $path = $t->dir . "/go-$name";

    for (1 .. 6000) {
        if (open my $f, '<', $path) {
            my $text = readline $f;
            return $text if defined $text && $text =~ /;/;
        }
        select undef, undef, undef, 0.01;
    }
    return 'bad;';
}

sub go {
    my ($name, $verdict) = @_;
    my $path = $t->dir . "/go-$name";

    open my $f, '>', "$path.new" or die "$path: $!\n";
    print $f "$verdict;";
    close $f;
    rename "$path.new", $path or die "$path: $!\n";
}

sub hold {
    my ($name, $to) = @_;
    my $port = $t->port($to);

    $relay{$name} = Weir::Backend->tcp(sub {
        my ($c) = @_;

        return if verdict($name) =~ /bad/;
        my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                           PeerPort => $port) or return;
        relay($c->socket, $server);
    }, port => $t->port($name));
}

# Its first connection carries one request, which is not answered.
my $one = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;

    return $p->reset($s->{id}, 7) if $p->number == 1 && $s->{id} > 1;
    $p->head($s->{id}, 1, ':status' => 204) if $p->number > 1;
});
my $one_port = $one->port;

my @names = qw(share few auto old bad left late);

hold($_, $_ eq 'old' ? 'h1' : 'h2') for @names;

$t->run(<<'EOC' . join('', map { <<"EOU" } @names) . <<"EOE");
%%HTTP%%
    proxy_http_version 2;
    proxy_ssl_name up.test;
    ssl_certificate %%TESTDIR%%/tls/up.pem;
    ssl_certificate_key %%TESTDIR%%/tls/up.key;
    server {
        listen 127.0.0.1:%%PORT_h2%% ssl;
        http2 on;
        return 200 $server_protocol;
    }
    server {
        listen 127.0.0.1:%%PORT_h1%% ssl;
        return 200 $server_protocol;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /share { proxy_pass https://share; }
        location /few { proxy_pass https://few;
            proxy_http2_max_concurrent 4; }
        location /auto { proxy_pass https://auto; proxy_http_version auto; }
        location /old { proxy_pass https://old; proxy_http_version auto; }
        location /bad { proxy_pass https://bad; }
        location /left { proxy_pass https://left; }
        location /late { proxy_pass https://late; proxy_connect_timeout 300ms; }
        location /one { proxy_pass http://one; }
        location /here { return 200 here; }
    }
EOC
    upstream $_ { server 127.0.0.1:%%PORT_$_%%; keepalive 16; }
EOU
    upstream one { server 127.0.0.1:$one_port; keepalive 16; }
}
EOE

# So many requests at once, which the worker has read.
sub ask {
    my ($name, $n) = @_;
    my @c = map { Weir::HTTP->new(port => $t->port) } 1 .. $n;

    $_->send_request('GET', "/$name") for @c;
    $t->get('/here') for 1 .. 2;
    return @c;
}

sub answers {
    my %n;

    for my $c (@_) {
        my $r = $c->read_response;
        $n{ $r->status == 200 ? $r->body : $r->status }++;
    }
    return \%n;
}

my @c = ask('share', 20);
go('share', 'ok');
is_deeply answers(@c), { 'HTTP/2.0' => 20 }, 'all are answered';
is $relay{share}->connections, 1, '... over the connection they waited for';
is_deeply answers(ask('share', 5)), { 'HTTP/2.0' => 5 }, 'and later ones';
is $relay{share}->connections, 1, '... too';

@c = ask('few', 10);
go('few', 'ok');
is_deeply answers(@c), { 'HTTP/2.0' => 10 }, 'more than a connection carries';
is $relay{few}->connections, 3, '... wait for as many as are needed';

@c = ask('auto', 10);
go('auto', 'ok');
is_deeply answers(@c), { 'HTTP/2.0' => 10 }, 'the upstream may choose HTTP/1.1';
is $relay{auto}->connections, 1, '... and does not';

@c = ask('old', 6);
go('old', 'ok');
is_deeply answers(@c), { 'HTTP/1.1' => 6 }, 'it chooses HTTP/1.1';
is $relay{old}->connections, 6, '... and each opens its own';

@c = ask('bad', 5);
go('bad', 'bad');
is_deeply answers(@c), { 502 => 5 }, 'it closes in the handshake';
is $relay{bad}->connections, 5, '... and each has tried it';

my ($first) = ask('left', 1);
@c = ask('left', 4);
$first->close;
$t->wait_log(qr/prematurely closed connection.*\/left/);
go('left', 'ok');
is_deeply answers(@c), { 'HTTP/2.0' => 4 }, 'the first client leaves';
is $relay{left}->connections, 2, '... and one opens another for all';

@c = ask('late', 4);
is_deeply answers(@c), { 504 => 4 }, 'the handshake takes too long';
go('late', 'bad');

($first) = ask('one', 1);
ok wait_until(sub { Weir::H2Peer::frames($one, 'HEADERS') == 1 }),
    'a server has one request';
is_deeply answers(ask('one', 4)), { 204 => 4 },
    '... and others that it refuses beside it go over other connections';
cmp_ok grep({ $_->{conn} == 1 } Weir::H2Peer::frames($one, 'HEADERS')), '>=', 2,
    '... though they were asked over its, until it refused the first';

done_testing;
