# SPDX-License-Identifier: BSD-2-Clause
#
# Streams: what an upstream sends in pieces, 300 ms apart, arrives in pieces,
# buffered or not, compressed or not, directly or through filters that include
# other responses.  A piece has to arrive before the next one is sent, by the
# clock that both share.

use strict;
use warnings;

use Compress::Zlib ();
use FindBin;
use IO::Select;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep time);
use Weir::Test;

my $gap = Weir::Test::slow(0.3);
my @pieces = map { sprintf("%02d ", $_) x 13 . "\n" } 1 .. 4;

sub frame { return sprintf("%x\r\n%s\r\n", length $_[0], $_[0]) }

# Notes in a file when each piece went out.
sub note_time {
    my ($name, $i) = @_;

    open my $f, '>>', $name or die "$name: $!\n";
    syswrite $f, "$i " . time . "\n";
}

my $t = Weir::Test->new;
my $dir = $t->dir;
my $backend = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($kind, $name) = $request->uri =~ m{(length|chunked|close)\?(\w+)$};
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";

    $head .= $kind eq 'length' ? "Content-Length: 160\r\n"
           : $kind eq 'chunked' ? "Transfer-Encoding: chunked\r\n"
           : "Connection: close\r\n";
    $c->send("$head\r\n");
    for my $i (0 .. $#pieces) {
        sleep $gap;
        note_time("$dir/$name", $i);
        $c->send($kind eq 'chunked' ? frame($pieces[$i]) : $pieces[$i]);
    }
    $c->send("0\r\n\r\n") if $kind eq 'chunked';
    $c->close if $kind eq 'close';
    return undef;
});
my $slow_head = Weir::Backend->http(sub {
    my ($request, $c) = @_;

    $c->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    sleep 2 * $gap;
    return 'ok';
});
my ($up, $head_up) = ($backend->port, $slow_head->port);

$t->run(<<"EOC");
%%HTTP%%
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    gzip_types *;
    gzip_min_length 0;
    gzip_http_version 1.0;
    map \$request_uri \$asked { ~\\?(.*)\$ \$1; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /on/ { proxy_pass http://127.0.0.1:$up/; }
        location /off/ { proxy_pass http://127.0.0.1:$up/;
                         proxy_buffering off; }
        location /gzip/ { proxy_pass http://127.0.0.1:$up/; gzip on; }
        location /gzipoff/ { proxy_pass http://127.0.0.1:$up/; gzip on;
                             proxy_buffering off; }
        location /postpone/ { proxy_pass http://127.0.0.1:$up/; gzip on;
                              postpone_gzipping 1k; }
        location /rate/ { proxy_pass http://127.0.0.1:$up/; limit_rate 100k; }
        location /charset/ { proxy_pass http://127.0.0.1:$up/; charset utf-8;
                             add_header X-A b; }
        location /before/ { proxy_pass http://127.0.0.1:$up/;
                            addition_types *; add_before_body /text; }
        location /into/ { add_before_body /inner; addition_types *;
                          return 200 "the end\\n"; }
        location = /inner { proxy_pass http://127.0.0.1:$up/chunked?\$asked; }
        location = /text { return 200 "before\\n"; }
        location /through/ { proxy_pass http://127.0.0.1:%%PORT%%/on/; }
        location /head/ { proxy_pass http://127.0.0.1:$head_up/; }
        location /headnow/ { proxy_pass http://127.0.0.1:$head_up/;
                             postpone_output 0; }
    }
}
EOC

my $serial = 0;
my @streams;

# Begins to ask: flows_judge() says what came of it.  Bodies go by without
# frames, as HTTP/1.0.
sub flows {
    my ($what, $uri, %opt) = @_;
    my $name = 'times' . ++$serial;
    my $c = $t->connect;

    $c->send("GET $uri?$name HTTP/1.0\r\nHost: a\r\n"
             . ($opt{gzip} ? "Accept-Encoding: gzip\r\n" : '') . "\r\n");
    push @streams, {
        what => $what, name => $name, c => $c, raw => '', text => '', at => [],
        gzip => $opt{gzip}
            && scalar Compress::Zlib::inflateInit(-WindowBits => 31),
    };
}

# What has come of one: notes the pieces that can be read now.
sub take {
    my ($s, $bytes) = @_;

    if (!defined $s->{head}) {
        $s->{raw} .= $bytes;
        return if $s->{raw} !~ s/\A(.*?\r\n\r\n)//s;
        ($s->{head}, $bytes) = ($1, $s->{raw});
    }
    $s->{text} .= $s->{gzip} ? ($s->{gzip}->inflate($bytes))[0] : $bytes;
    push @{ $s->{at} }, time
        while @{ $s->{at} } < @pieces
            && index($s->{text}, $pieces[@{ $s->{at} }]) >= 0;
}

# Reads all of them to the end.
sub read_streams {
    my $select = IO::Select->new(map { $_->{c}->socket } @streams);
    my %of = map { $_->{c}->socket => $_ } @streams;
    my $end = time + 20 * $gap + 5;

    while ($select->count && time < $end) {
        for my $sock ($select->can_read(1)) {
            if (sysread $sock, my $bytes, 65536) {
                take($of{$sock}, $bytes);
            } else {
                $select->remove($sock);
            }
        }
    }
}

sub flows_judge {
    my ($s) = @_;
    my ($what, @at) = ($s->{what}, @{ $s->{at} });
    my @sent = map { (split)[1] } split /\n/, $t->read($s->{name}) // '';

    like $s->{head}, qr/Content-Encoding: gzip/, "$what: compressed"
        if $s->{gzip};
    is scalar(@at), 4, "$what: all came" or return;
    ok $at[$_] < $sent[$_ + 1],
        "$what: piece " . ($_ + 1) . ' before the next one' for 0 .. 2;
}

flows('buffered', '/on/chunked');
flows("unbuffered, $_", "/off/$_") for 'length', 'chunked', 'close';
flows('a limited rate', '/rate/chunked');
flows('charset', '/charset/chunked');
flows('through two servers', '/through/chunked');
flows('an addition itself', '/into/chunked');

# nginx holds back what has no frames, and what it compresses
if (!Weir::Test::is_oracle()) {
    flows("buffered, $_", "/on/$_") for 'length', 'close';
    flows('behind an addition', '/before/chunked');
    flows("gzip, $_", "/gzip/$_", gzip => 1) for 'length', 'chunked', 'close';
    flows('gzip, unbuffered', '/gzipoff/chunked', gzip => 1);
    flows('gzip, postponed', '/postpone/chunked', gzip => 1);
}
read_streams();
flows_judge($_) for @streams;

# ---- the head ----

sub head_time {
    my ($uri) = @_;
    my $c = $t->connect;
    my $start = time;

    $c->send("GET $uri HTTP/1.1\r\nHost: a\r\n\r\n");
    $c->read_until(qr/\r\n\r\n/) // return;
    my $head = time - $start;
    is $c->read_until(qr/ok/), 'ok', "$uri: the body";
    return (time - $start) - $head;
}

cmp_ok head_time('/headnow/'), '>', $gap, 'postpone_output 0: the head at once';
cmp_ok head_time('/head/'), '<', $gap, 'else with the body';
done_testing;
