# SPDX-License-Identifier: BSD-2-Clause
#
# Peers that fail, by protocol: HTTP, SCGI, uwsgi, memcached.  Refused, killed
# before it has said anything, in the head, in the body, in a chunk; lengths that
# are wrong, a huge head, garbage, silence; clients that leave while they send
# and while they receive.  FastCGI has fastcgi_faults.t, HTTP/2 has
# proxy_h2_faults.t, gRPC grpc.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test;

my $type = "Content-Type: text/plain\r\n";
my $huge = 'X-A: ' . 'a' x 70_000 . "\r\n";
my $http = "HTTP/1.1 200 OK\r\n$type";

# name => [bytes (undef: silence), status, complete, body]; what has no body
# breaks off before the head has come.
my %cgi = (
    whole => ["${type}Content-Length: 5\r\n\r\nhello", 200, 1, 'hello'],
    nothing => ['', 502],
    head => ["Status: 200 OK\r\nX-A", 502],
    body => ["${type}Content-Length: 10\r\n\r\nhello", 200, 0, 'hello'],
    surplus => ["${type}Content-Length: 5\r\n\r\nhello world", 200, 1, 'hello'],
    twice => ["Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 502],
    length => ["Content-Length: x5\r\n\r\nhello", 502],
    huge => ["$huge$type\r\nhello", 502],
    garbage => ["\1\2\3: \0\r\n\r\nhello", 502],
    silence => [undef, 504],
    stalls => ["${type}Content-Length: 10\r\n\r\nhello", 200, 0, 'hello', 1],
);
my %answers = (
    scgi => \%cgi,
    uwsgi => \%cgi,
    proxy => {
        whole => ["${http}Content-Length: 5\r\n\r\nhello", 200, 1, 'hello'],
        nothing => ['', 502],
        head => ["HTTP/1.1 200 OK\r\nX-A", 502],
        body => ["${http}Content-Length: 10\r\n\r\nhello", 200, 0, 'hello'],
        chunk => ["${http}Transfer-Encoding: chunked\r\n\r\n5\r\nhel", 200, 0, 'hel'],
        chunks => ["${http}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 200, 0, 'hello'],
        size => ["${http}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n", 200, 0, 'hello'],
        surplus => ["${http}Content-Length: 5\r\n\r\nhello world", 200, 1, 'hello'],
        twice => ["${http}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 502],
        length => ["${http}Content-Length: x5\r\n\r\nhello", 502],
        huge => ["$http$huge\r\nhello", 502],
        garbage => ["HTTP/1.1 200 OK\r\n\1\2\3: \0\r\n\r\nhello", 502],
        silence => [undef, 504],
        stalls => ["${http}Content-Length: 10\r\n\r\nhello", 200, 0, 'hello', 1],
    },
    memcached => {
        whole => ["VALUE k 0 5\r\nhello\r\nEND\r\n", 200, 1, 'hello'],
        nothing => ['', 502],
        head => ['VALUE k 0', 502],
        body => ["VALUE k 0 10\r\nhello", 200, 0, 'hello'],
        trailer => ["VALUE k 0 5\r\nhelloXXXXX\r\n", 200, 1, 'hello'],
        key => ["VALUE other 0 5\r\nhello\r\nEND\r\n", 502],
        length => ["VALUE k 0 x5\r\nhello\r\nEND\r\n", 502],
        huge => ['VALUE ' . 'k' x 70_000, 502],
        garbage => ["\1\2\3\r\nEND\r\n", 502],
        error => ["SERVER_ERROR out of memory\r\n", 502],
        silence => [undef, 504],
        stalls => ["VALUE k 0 10\r\nhello", 200, 0, 'hello', 1],
    },
);
my %begin = (scgi => "$type\r\n", uwsgi => "$type\r\n", proxy => "$http\r\n",
             memcached => "VALUE /memcached/f-endless 0 1000000000\r\n");
my @protocols = grep { $_ eq 'proxy' || has_module("http_$_") } sort keys %answers;

# nginx 1.22 takes such lengths, and sends less of what stalls.
my $skipped = is_oracle() ? qr/^(?:length|twice|size|stalls)$/ : qr/^$/;

my $t = Weir::Test->new;

sub serve {
    my ($p, $c) = @_;
    my $asked = $c->read_until(qr{/f-\w+}) // return;
    my ($name) = $asked =~ m{/f-(\w+)};

    if ($name eq 'endless') {
        $c->send($begin{$p});
        for (1 .. 4000) { $c->send('x' x 60_000) or last }
        $t->write("$p-gone", 'gone');
        return;
    }
    my $answer = $answers{$p}{$name} // return;
    my ($bytes, undef, undef, undef, $stalls) = @$answer;
    $bytes =~ s{^(VALUE )k}{$1/memcached/f-$name} if $p eq 'memcached' && defined $bytes
        && $name !~ /key|huge/;
    $c->send($bytes) if defined $bytes;
    $c->read_until(qr/never/) if !defined $bytes || $stalls;
}

my %backend = map {
    my $p = $_;
    ($p => Weir::Backend->tcp(sub { serve($p, $_[0]) }));
} @protocols;
my $locations = '';
for my $p (@protocols) {
    my $more = $p eq 'memcached' ? 'set $memcached_key $uri;'
        : $p eq 'proxy' ? ''
        : "${p}_param URI \$uri;";
    my $scheme = $p eq 'proxy' ? 'http://' : '';

    $locations .= "location /$p/ { ${p}_pass ${scheme}127.0.0.1:" . $backend{$p}->port
        . "; ${p}_read_timeout 1s; $more }\n"
        . "location /dead-$p { ${p}_pass ${scheme}127.0.0.1:%%PORT_dead%%; "
        . ($p eq 'memcached' ? 'set $memcached_key x; ' : '') . "}\n";
}
$t->run("%%HTTP%%\n    server {\n listen 127.0.0.1:%%PORT%%;\n$locations} }\n");

for my $p (@protocols) {
    is $t->get("/dead-$p")->status, 502, "$p: refused";
    for my $name (grep { !/$skipped/ } sort keys %{ $answers{$p} }) {
        my ($bytes, $status, $complete, $body) = @{ $answers{$p}{$name} };
        my $r = $t->get("/$p/f-$name");

        is $r->status, $status, "$p: $name";
        next if !defined $body;
        is $r->complete ? 1 : 0, $complete, '... whole, or not';
        is substr($r->body, 0, length $body), $body, '... what has come';
    }

    my $c = $t->connect;
    $c->send_request('GET', "/$p/f-endless");
    ok $c->read_until(qr/x{1000}/), "$p: a response without an end begins";
    $c->abort;
    ok wait_until(sub { -e $t->path("$p-gone") }, 20),
        '... and is given up with its client';
    $c = $t->connect;
    $c->send("POST /$p/f-whole HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nxxx");
    sleep 0.1;
    $c->abort;
    is $t->get("/$p/f-whole")->body, 'hello', '... a client left its upload';
}

done_testing;
