# SPDX-License-Identifier: BSD-2-Clause
#
# Every coding, at its levels, for bodies of lengths around the edges of all
# buffers, that come in pieces of any size, with a flush after any of them, and
# not at all: what is decoded is what was sent, responses end, those that are cut
# short do not, and nobody spins.  TEST_SOAK=1 tries all combinations, otherwise
# it is a choice of them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Coding;
use Weir::Test;

plan(skip_all => 'what weir adds') if is_oracle();
need_module(qw(http_gzip http_proxy));

my $is_soak = $ENV{TEST_SOAK};
my @codings = grep { has_module($_->{name}) && can_decode($_->{coding}) } (
    { name => 'http_gzip', word => 'gzip', coding => 'gzip',
      levels => [1 .. 9], some => [1, 2, 3, 6, 9] },
    { name => 'brotli', word => 'brotli', coding => 'br',
      levels => [0 .. 11], some => [0, 1, 4, 6, 11] },
    { name => 'zstd', word => 'zstd', coding => 'zstd',
      levels => [1 .. 22], some => [1, 3, 12, 19] },
);

# A text that is half random, so that compressed data fill buffers as well.
my $text = '';
{
    my $x = 1;
    while (length $text < 300_000) {
        $x = ($x * 1103515245 + 12345) & 0x7fffffff;
        $text .= $x & 0x10000 ? pack('N', $x) : "the same words $x ";
    }
}

my @lengths = (0, 1, 2);
push @lengths, $_ - 1, $_, $_ + 1 for 64, 1024, 4096, 8192, 32768, 65536;
push @lengths, 131_071, 131_072, 300_000;

# How a body comes: piece sizes (0: the whole), whether with a length, and how
# many pauses, each of which makes for a flush.
my %ways = (
    whole => [0, 1, 0], chunk => [0, 0, 0], odd => [777, 0, 0],
    lodd => [777, 1, 0], byte => [1, 0, 0], wait => [2047, 0, 4],
    lwait => [2047, 1, 4],
);

my $up = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($length, $way) = $request->uri =~ m{/(\d+)/(\w+)$};
    my $body = substr $text, 0, $length;

    if ($way eq 'short' || $way eq 'stall') {
        $c->send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                 . "Content-Length: 400000\r\n\r\n$body");
        select undef, undef, undef, 20 if $way eq 'stall';
        $c->close;
        return undef;
    }
    my ($size, $has_length, $pauses) = @{ $ways{$way} };
    my $n = $size || $length || 1;

    my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        . ($has_length ? "Content-Length: $length\r\n\r\n"
                       : "Transfer-Encoding: chunked\r\n\r\n");
    my @pieces = map { $has_length ? $_ : sprintf "%x\r\n%s\r\n", length, $_ }
        unpack "(a$n)*", $body;
    # Not in small sends without a pause: the system delays each of those.
    while ($pauses-- > 0 && @pieces) {
        $c->send($head . shift @pieces);
        $head = '';
        select undef, undef, undef, 0.004;
    }
    return join '', $head, @pieces, $has_length ? () : "0\r\n\r\n";
});
my $backend = $up->port;

my $t = Weir::Test->new;
$t->write("html/$_.txt", substr $text, 0, $_) for @lengths;
my $locations = '';
for my $c (@codings) {
    my $w = $c->{word};

    for my $level (@{ $c->{levels} }) {
        my $same = "$w on; ${w}_types *; ${w}_min_length 0; "
            . "${w}_comp_level $level;";
        my $to = "proxy_pass http://127.0.0.1:$backend;";

        $locations .= <<"EOC";
        location /$w/$level/ { $same
            location /$w/$level/file/ { alias %%TESTDIR%%/html/; }
            location /$w/$level/some/ { output_buffers 1 1000; sendfile off;
                                        alias %%TESTDIR%%/html/; }
            location /$w/$level/up/ { $to }
            location /$w/$level/cut/ { proxy_read_timeout 1s; $to }
            location /$w/$level/now/ { proxy_buffering off; $to }
            location /$w/$level/tiny/ { ${w}_buffers 1 100; proxy_buffering off;
                                        $to }
            location /$w/$level/slow/ { limit_rate 20k;
                                        $to }
        }
EOC
    }
}
$t->run("%%HTTP%%\nserver {\nlisten 127.0.0.1:%%PORT%%;\nkeepalive_requests "
        . "1000000;\n$locations}\n}\n");

# Each coding keeps a connection; what does not end well would spoil the next.
my %connection;

sub check {
    my ($c, $level, $path, $length) = @_;
    my $connection = $connection{$c->{coding}} //= $t->connect(timeout => 60);
    my $r = $connection->get("/$c->{word}/$level/$path",
                             headers => ['Accept-Encoding', $c->{coding}]);
    my $coding = $r->header('Content-Encoding') // '';
    my ($plain, $wrong) = decode($c->{coding}, $r->body);

    delete $connection{$c->{coding}} if !$r->complete;
    return '' if $r->complete && $coding eq $c->{coding} && $wrong eq ''
        && $plain eq substr $text, 0, $length;
    return "$c->{word} $level $path: complete " . ($r->complete // '-')
        . ", coding $coding, $wrong, " . length($plain) . " of $length";
}

my ($turn, $bad) = (0, 0);
for my $c (@codings) {
    my ($tried, @wrong) = (0);

    for my $level (@{ $is_soak ? $c->{levels} : $c->{some} }) {
        for my $length (@lengths) {
            for my $path ("file/$length.txt", "some/$length.txt",
                          map { my $w = $_; map { "$_/$length/$w" }
                                    qw(up now tiny) }
                              grep { $_ ne 'byte' || $length < 1100 }
                              sort keys %ways)
            {
                # A prime, so that the choice is spread over all lists
                next if !$is_soak && $turn++ % 23;
                $tried++;
                push @wrong, grep { $_ } check($c, $level, $path, $length);
            }
        }
    }
    is join("\n", @wrong), '', "$c->{word}: $tried combinations";
}

# ---- what does not come ----

sub cpu_seconds {
    my ($pid) = $t->worker_pids;
    my @words = split ' ', ($t->read("/proc/$pid/stat") =~ /\) (.*)/)[0];

    return ($words[11] + $words[12]) / 100;
}

for my $c (@codings) {
    my $level = $c->{some}[1];
    my $get = sub {
        return $t->get("/$c->{word}/$level/$_[0]",
                       headers => ['Accept-Encoding', $c->{coding}]);
    };

    for my $length (0, 1, 5000, 200_000) {
        my $r = $get->("now/$length/short");
        is $r->status, 200, "$c->{word}: a short upstream, $length";
        ok !$r->complete, '... is cut short';
        ok !$get->("up/$length/short")->complete, '... also where buffered';
    }
}

# begin($c, $path): the connection of a request, for all codings at once.
sub begin {
    my ($c, $path) = @_;
    my $connection = $t->connect;

    $connection->send("GET /$c->{word}/$c->{some}[1]/$path HTTP/1.1\r\n"
                      . "Host: a\r\nAccept-Encoding: $c->{coding}\r\n\r\n");
    return $connection;
}

# An upstream that stalls, a client that reads nothing for a while and then all
# of it, and one that gets little at a time.
my $before = cpu_seconds();
my @stalled = map { begin($_, 'cut/5000/stall') } @codings;
my @late = map { begin($_, 'up/300000/whole') } @codings;
my @slow = map { begin($_, 'slow/65537/odd') } @codings;
select undef, undef, undef, 0.5;
for my $c (@codings) {
    for (['read late', shift @late, 300_000],
         ['limit_rate', shift @slow, 65_537])
    {
        my ($name, $connection, $length) = @$_;
        my $r = $connection->read_response;
        my ($plain, $wrong) = decode($c->{coding}, $r->body);

        ok $r->complete && $wrong eq '' && $plain eq substr($text, 0, $length),
            "$c->{word}: $name";
    }
    ok !(shift @stalled)->read_response->complete,
        "$c->{word}: an upstream that stalls is cut";
}
cmp_ok cpu_seconds() - $before, '<', 1, 'nobody has spun';

# ---- no body ----

for my $c (@codings) {
    my $level = $c->{some}[0];
    my $uri = "/$c->{word}/$level/file/8192.txt";
    my $connection = $t->connect;
    my @accept = ('Accept-Encoding', $c->{coding});

    for my $time (1 .. 2) {
        my $r = $connection->request('HEAD', $uri, headers => [@accept]);
        is $r->header('Content-Encoding'), $c->{coding}, "$c->{word}: HEAD";
        is $r->header('Content-Length'), undef, '... without a length';
        my $tag = $r->header('ETag');
        is $connection->get($uri, headers => [@accept, 'If-None-Match', $tag])
            ->status, 304, '... 304';
        $r = $connection->get($uri, headers => [@accept, 'Range', 'bytes=1-2']);
        is $r->status, 200, '... no range of what is compressed';
        my ($plain, $wrong) = decode($c->{coding}, $r->body);
        ok $plain eq substr($text, 0, 8192), '... but the whole';
        $r = $connection->get($uri, headers => ['Range', 'bytes=1-2']);
        is $r->body, substr($text, 1, 2), '... a range of what is not';
    }
}

done_testing;
