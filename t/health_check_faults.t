# SPDX-License-Identifier: BSD-2-Clause
#
# health_check, type=grpc and http: servers that answer without end, too much,
# drop by drop, or something else. Each check ends, in the time that the location
# has for an answer, and takes no more memory than an answer may have.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Time::HiRes 'time';
use Weir::H2Peer;
use Weir::Test;

plan skip_all => 'not in nginx without a subscription' if is_oracle();
plan skip_all => 'built without grpc' if !has_module('http_grpc');

my $t = Weir::Test->new;
my @ok = (':status' => 200, 'content-type' => 'application/grpc');
my $serving = "\0\0\0\0\2\x08\1";
my $most = 12;          # seconds for which a server goes on, at most

# Sends $what again and again, until nobody is there any more.
sub endless {
    my ($p, $pause, $what) = @_;
    my $end = time + $most;

    while (time < $end) {
        $p->raw($what) or return;
        select undef, undef, undef, $pause if $pause;
    }
}
sub ping { return Weir::H2Peer::bytes('PING', 0, 0, '12345678') }
sub large { return Weir::H2Peer::bytes('DATA', 0, $_[0], 'x' x 16000) }

# name => [what is logged, what the server does]
my %grpc = (
    good    => ['', sub { my ($p, $s) = @_;
        $p->head($s->{id}, 0, @ok);
        $p->data($s->{id}, $serving);
        $p->head($s->{id}, 1, 'grpc-status' => 0) }],
    noend   => ['timed out', sub { my ($p, $s) = @_;
        $p->head($s->{id}, 0, @ok);
        $p->data($s->{id}, $serving) }],
    interim => ['', sub { my ($p, $s) = @_;
        $p->head($s->{id}, 0, ':status' => 103, 'x-a' => 'a' x 900) for 1 .. 3;
        $p->head($s->{id}, 0, @ok);
        $p->data($s->{id}, $serving);
        $p->head($s->{id}, 1, 'grpc-status' => 0) }],
    heads   => ['the response is too big|invalid', sub { my ($p, $s) = @_;
        $p->head($s->{id}, 0, ':status' => 103, 'x-a' => 'a' x 900) for 1 .. 2000 }],
    large   => ['the response is too big|invalid', sub { my ($p, $s) = @_;
        $p->head($s->{id}, 0, @ok);
        endless($p, 0, large($s->{id})) }],
    split   => ['invalid', sub { my ($p, $s) = @_;
        $p->frame(HEADERS => 0, $s->{id}, Weir::H2Peer::fields(@ok));
        endless($p, 0, Weir::H2Peer::bytes('CONTINUATION', 0, $s->{id},
                                           Weir::H2Peer::fields('x-a' => 'a' x 100))) }],
    pings   => ['timed out|closed|invalid', sub { endless($_[0], 0, ping() x 500) }],
    drops   => ['timed out', sub { endless($_[0], 0.005, ping()) }],
    body    => ['timed out', sub { my ($p, $s) = @_;
        $p->head($s->{id}, 0, @ok);
        endless($p, 0.005, Weir::H2Peer::bytes('DATA', 0, $s->{id}, '')) }],
    h1      => ['.', sub { $_[0]->raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }],
    goaway  => ['.', sub { $_[0]->goaway(0, 0); $_[0]->close }],
    reset   => ['error 8', sub { $_[0]->reset($_[1]{id}, 8) }],
);
my %http = (
    slowly  => ['timed out', sub { my ($c) = @_;
        $c->send("HTTP/1.1 200 OK\r\n");
        my $end = time + $most;
        while (time < $end) {
            $c->send("a") or return;
            select undef, undef, undef, 0.005;
        } }],
);
my (%peer, $conf);
for my $name (keys %grpc) {
    $peer{$name} = Weir::H2Peer->start($grpc{$name}[1]);
    $conf .= "upstream $name { zone $name 64k; server 127.0.0.1:" . $peer{$name}->port . "; }\n";
}
for my $name (keys %http) {
    $peer{$name} = Weir::Backend->tcp(sub { my ($c) = @_; $c->fill(time + 5); $http{$name}[1]->($c) });
    $conf .= "upstream $name { zone $name 64k; server 127.0.0.1:" . $peer{$name}->port . "; }\n";
}
$t->expect_log(qr/peer is unhealthy/);
$t->run(<<"EOC");
%%HTTP%%
    grpc_read_timeout 1s;
    proxy_read_timeout 1s;
$conf
    server {
        listen 127.0.0.1:%%PORT%%;
        location /api { api; }
        @{[ map { "location /$_ { grpc_pass grpc://$_; health_check interval=200ms type=grpc keepalive_time=60s; }\n" } sort keys %grpc ]}
        @{[ map { "location /$_ { proxy_pass http://$_; health_check interval=200ms; }\n" } sort keys %http ]}
    }
}
EOC

sub peer {
    return decode_json($t->get("/api/9/http/upstreams/$_[0]")->body)->{peers}[0];
}
for my $name (sort keys %grpc, keys %http) {
    my ($why) = @{ $grpc{$name} // $http{$name} };
    my $wanted = $why eq '' ? 'up' : 'unhealthy';
    my $p;
    ok wait_until(sub {
        $p = peer($name);
        return $p->{health_checks}{checks} > 0 && $p->{state} eq $wanted;
    }), "$name: $wanted" or diag encode_json($p);
    ok $t->wait_log(qr/peer is unhealthy while .*"$name": .*(?:$why)/), "... $why"
        if $why ne '';
}

SKIP: {
    skip 'memory under a sanitizer', 1 if $ENV{ASAN_OPTIONS};
    my ($kb) = map { Weir::Test::slurp("/proc/$_/status") =~ /VmHWM:\s+(\d+) kB/ } $t->worker_pids;
    cmp_ok $kb, '<', 50_000, 'memory: of answers to pings, a server that reads none gets few';
}

done_testing;
