# SPDX-License-Identifier: BSD-2-Clause
#
# FastCGI applications that fail: refused, killed at any point, other records
# than allowed, lengths that are wrong, garbage, silence, too much.  Where the
# head has not come there is an error page and a line in the log; nothing that
# broke off is passed on as complete.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::FastCGI;
use Weir::Test;

need_module('http_fastcgi');

my $head = "Content-Type: text/plain\r\n\r\n";
my $long = "Content-Length: 10\r\n$head";

# Before the head: name => [bytes (undef: silence), status, line of the log].
my @early = (
    [nothing => '', 502, 'upstream prematurely closed connection'],
    ['header cut' => "\1\6\0\1", 502, 'upstream prematurely closed connection'],
    ['head cut' => out_record("Content-Type: te"), 502,
     'upstream prematurely closed connection'],
    ['record cut' => out_record($head, length => 5000), 200, undef],
    ['record cut in the head' => out_record('X-A: 1', length => 5000), 502,
     'upstream prematurely closed connection'],
    ['output ended' => out_record(''), 502,
     'upstream prematurely closed FastCGI stdout'],
    ['request ended' => end_record(), 502,
     'upstream sent unexpected FastCGI record: 3'],
    ['head not ended' => out_record("X-A: 1\r\n") . out_record('')
     . end_record(), 502, 'upstream prematurely closed FastCGI stdout'],
    [version => out_record($head, version => 2), 502,
     'upstream sent unsupported FastCGI protocol version: 2'],
    [type => fcgi_record(11, $head), 502,
     'upstream sent invalid FastCGI record type: 11'],
    ['other id' => out_record($head, id => 2), 502,
     'upstream sent unexpected FastCGI request id low byte: 2'],
    ['high id' => out_record($head, id => 0x301), 502,
     'upstream sent unexpected FastCGI request id high byte: 3'],
    [garbage => "HTTP/1.1 200 OK\r\n\r\nhello", 502,
     'upstream sent unsupported FastCGI protocol version: 72'],
    ['bad header' => answer("X-A : 1\r\n$head"), 502,
     'upstream sent invalid header'],
    ['bad status' => answer("Status: 2x\r\n$head"), 502,
     'upstream sent invalid status "2x'],
    ['large head' => answer('X-A: ' . 'a' x 70_000 . "\r\n$head"), 502,
     'upstream sent too big header'],
    ['many headers' => answer("X-A: 1\r\n" x 9000 . $head), 502,
     'upstream sent too '],
    [silence => undef, 504, 'upstream timed out'],
);

# In the body: name => [bytes (undef at the end: silence), complete, body].
my @late = (
    ['whole' => [answer("${head}hello")], 1, 'hello'],
    ['record cut' => [out_record("${head}hel", length => 5000)], 0],
    ['between records' => [out_record("${head}hel")], 0],
    ['padding cut' => [out_record("${head}hel") . out_record('', padding => 9)
                       . "\0"], 1, 'hel'],
    ['other id' => [out_record("${head}hel") . out_record('lo', id => 9)], 0],
    ['garbage' => [out_record("${head}hel") . 'x' x 100], 0],
    ['silence' => [out_record("${head}hel"), undef], 0],
    ['too short' => [answer("${long}hello")], 0],
    ['cut, with a length' => [out_record("${long}hello")], 0],
    ['too long' => [answer("${long}helloworld!")], 1, 'helloworld'],
    ['length without an end' => [out_record("${long}helloworld")], 1,
     'helloworld'],
    ['end without its content' => [out_record("${head}hello")
                                   . substr(end_record(), 0, 12)], 1, 'hello'],
);

my (%early, %late);
$early{$_->[0] =~ s/\W+/-/gr} = $_ for @early;
$late{$_->[0] =~ s/\W+/-/gr} = $_ for @late;

my $t = Weir::Test->new;
my $app = Weir::FastCGI->new(sub {
    my ($request, $c) = @_;
    my ($when, $name, $size)
        = $request->{params}{URI} =~ m{^/(\w+)/([\w-]+)(?:/(\d+))?};

    my @parts = $when eq 'early' ? $early{$name}[1] : @{ $late{$name}[1] };
    for my $part (@parts) {
        sleep 4 if !defined $part;
        $c->send_pieces($part // '', $size // 1 << 20);
    }
    $c->close;
    return undef;
});
# One that keeps its connections, whatever comes.
my $keeper = Weir::FastCGI->new(sub {
    my ($request, $c) = @_;
    my $uri = $request->{params}{URI};

    return answer("${head}first") . "\1\6\0\1" if $uri =~ /surplus/;
    if ($uri =~ /late/) {
        $c->send(answer("${head}first"));
        sleep 0.1;
        $c->send(err_record('more'));
        return undef;
    }
    $c->send(answer("${head}first"));
    $c->close if $uri =~ /leave/;
    return undef;
});
# Its answer never ends.
my $endless = Weir::FastCGI->new(sub {
    my ($request, $c) = @_;

    $c->send(out_record($head));
    for (1 .. 2000) { $c->send(out_record('x' x 60_000)) or last }
    $t->write('endless', 'gone');
    return undef;
});
my $noise = Weir::FastCGI->new(sub {
    return err_record("noise\n" x 10_000) x 20 . answer("${head}after");
});
my ($up, $keep, $stream, $noisy)
    = map { $_->port } $app, $keeper, $endless, $noise;

$t->run(<<"EOC");
%%HTTP%%
    fastcgi_param URI \$uri;
    fastcgi_read_timeout 2s;
    upstream kept { server 127.0.0.1:$keep; keepalive 4; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { fastcgi_pass 127.0.0.1:$up; }
        location /late/ { fastcgi_pass 127.0.0.1:$up; fastcgi_buffering off; }
        location /dead { fastcgi_pass 127.0.0.1:%%PORT_dead%%; }
        location /keep { fastcgi_pass kept; fastcgi_keep_conn on; }
        location /endless { fastcgi_pass 127.0.0.1:$stream;
                            fastcgi_max_temp_file_size 0; }
        location /noise { fastcgi_pass 127.0.0.1:$noisy; }
    }
}
EOC

is $t->get('/dead')->status, 502, 'refused';

for my $case (@early) {
    my ($name, $bytes, $status, $line) = @$case;
    my $uri = '/early/' . $name =~ s/\W+/-/gr;
    my $r = $t->get("$uri/100000");

    is $r->status, $status, "before the head: $name";
    next if !$line;
    ok wait_until(sub { $t->read('error.log') =~ /\Q$line\E.*"GET $uri/ }, 5),
        "... $line" or diag $t->read('error.log');
    next if !defined $bytes || length $bytes > 1000;
    is $t->get("$uri/1")->status, $status, '... in single bytes';
}

for my $case (@late) {
    my ($name, $parts, $complete, $body) = @$case;

    SKIP: {
        skip 'nginx takes the end of a connection for that of a response', 3
            if is_oracle() && $name =~ /between|record cut|padding|content/;
        for my $size (100000, 1) {
            my $r = $t->get("/late/" . ($name =~ s/\W+/-/gr) . "/$size");

            is $r->complete ? 1 : 0, $complete,
                "in the body: $name, $size bytes at once"
                or diag $r->body;
            is $r->body, $body, '... the body' if $complete && $size > 1;
        }
    }
}

# ---- kept connections

for my $uri ('/keep/surplus', '/keep/late', '/keep/leave') {
    is $t->get($uri)->body, 'first', $uri;
    sleep 0.3 if $uri !~ /surplus/;
    is $t->get('/keep/plain')->body, 'first', '... and what follows';
}
is $keeper->connections, 4, 'connections with something left are not used';

# ---- standard error

is $t->get('/noise')->body, 'after', 'much in stderr before the head';
my $logged = () = $t->read('error.log') =~ /sent in stderr/g;
SKIP: {
    skip 'nginx logs it all', 2 if is_oracle();
    cmp_ok $logged, '<', 100, '... a part is logged';
    like $t->read('error.log'), qr/FastCGI sent more in stderr/, '... it says so';
}

# ---- clients that leave

my $c = $t->connect;
$c->send_request('GET', '/endless');
ok $c->read_until(qr/x{1000}/), 'a response without an end begins';
$c->abort;
ok wait_until(sub { $t->read('endless') eq 'gone' }, 10),
    '... and is given up with its client';
$c = $t->connect;
$c->send("POST /early/nothing HTTP/1.1\r\nHost: a\r\n"
         . "Content-Length: 100000\r\n\r\nxxx");
sleep 0.1;
$c->abort;
is $t->get('/late/whole/1000')->body, 'hello', 'a client left its upload';

done_testing;
