# SPDX-License-Identifier: BSD-2-Clause
#
# HTTP/2 servers that do what they should not: resets, GOAWAY, frames and heads
# that are invalid or too large, closed windows, silence, and ends in between;
# behind proxy_pass, and behind grpc_pass.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2Peer;
use Weir::Test;

skip_before('1.29.4', 'proxy_http_version 2');

my @ok = (':status' => 200);

sub fine {
    my ($p, $s) = @_;

    $p->head($s->{id}, 0, @ok, 'x-conn' => $p->number);
    $p->data($s->{id}, 'fine', 1);
}

# A head, and what follows it.
sub with_head {
    my (@then) = @_;

    return sub {
        my ($p, $s) = @_;
        $p->head($s->{id}, 0, @ok);
        $p->frame(@$_) for map { [map { ref ? $_->($s) : $_ } @$_] } @then;
    };
}

my $id = sub { $_[0]{id} };
my $one = pack 'N', 1;

# name => [what the server does with a request, what the log says, options]
my %bad = (
    (map { my $code = $_;
           ("rst$code" => [sub { $_[0]->reset($_[1]{id}, $code) },
                           qr/upstream rejected request with error $code /] ) }
         0, 1, 2, 7, 8, 11),
    goaway => [sub { $_[0]->goaway(0, 2) },
               qr/upstream rejected request with error 2 /],
    close => [sub { $_[0]->close },
              qr/upstream prematurely closed|recv\(\) failed/],
    nostatus => [sub { $_[0]->head($_[1]{id}, 1, 'x' => 1) }, qr/:status/],
    status => [sub { $_[0]->head($_[1]{id}, 1, ':status' => '2x0') },
               qr/:status/],
    twice => [sub { $_[0]->head($_[1]{id}, 1, @ok, @ok) }, qr/:status/],
    switch => [sub { $_[0]->head($_[1]{id}, 0, ':status' => 101) },
               qr/:status/],
    interim => [sub { $_[0]->head($_[1]{id}, 1, ':status' => 103) },
                qr/:status/],
    late => [sub { $_[0]->head($_[1]{id}, 1, @ok, 'a' => 1, ':status' => 200) },
             qr/pseudo-header/],
    pseudo => [sub { $_[0]->head($_[1]{id}, 1, @ok, ':path' => '/') },
               qr/pseudo-header/],
    upper => [sub { $_[0]->head($_[1]{id}, 1, @ok, 'X-Up' => 1) },
              qr/invalid http2 header/],
    blank => [sub { $_[0]->head($_[1]{id}, 1, @ok, 'x y' => 1) },
              qr/invalid http2 header/],
    colon => [sub { $_[0]->head($_[1]{id}, 1, @ok, 'x:y' => 1) },
              qr/invalid http2 header/],
    nameless => [sub { $_[0]->head($_[1]{id}, 1, @ok, '' => 1) },
                 qr/invalid http2 header/],
    (map { my $c = $_;
           (sprintf('value%d', ord $c) => [
               sub { $_[0]->head($_[1]{id}, 1, @ok, 'x' => "a${c}b: c") },
               qr/invalid http2 header/]) } "\n", "\r", "\0"),
    length => [sub { $_[0]->head($_[1]{id}, 1, @ok, 'content-length' => 'x') },
               qr/invalid "Content-Length"/],
    lengths => [sub { $_[0]->head($_[1]{id}, 1, @ok, 'content-length' => 1,
                                  'content-length' => 2) },
                qr/upstream prematurely closed stream|duplicate header/],
    early => [sub { $_[0]->data($_[1]{id}, 'x', 1) }, qr/upstream sent/],
    window => [sub { $_[0]->frame(WINDOW_UPDATE => 0, $_[1]{id},
                                  pack 'N', 0) },
               qr/upstream sent zero window update/],
    window0 => [sub { $_[0]->frame(WINDOW_UPDATE => 0, 0, pack 'N', 0) },
                qr/upstream sent zero window update/],
    push => [sub { $_[0]->frame(PUSH_PROMISE => 4, $_[1]{id},
                                pack('N', 2) . "\x82") }, qr/upstream sent/],
    hpack => [sub { $_[0]->frame(HEADERS => 5, $_[1]{id}, "\xff\xff\xff") },
              qr/upstream sent/],
    split => [sub { $_[0]->frame(HEADERS => 0, $_[1]{id}, "\x88");
                    $_[0]->frame(PING => 0, 0, 'x' x 8) }, qr/upstream sent/],
    long => [sub { $_[0]->raw(pack 'CnCCN', 255, 255, 1, 4, $_[1]{id}) },
             qr/upstream sent/],
    ping => [sub { $_[0]->frame(PING => 0, 0, 'short') }, qr/upstream sent/],
    setting => [sub { $_[0]->frame(SETTINGS => 0, 0, pack 'nN', 4, 2**31) },
                qr/upstream sent/],
    http1 => [sub { $_[0]->raw("HTTP/1.1 200 OK\r\n\r\n") }, qr/upstream sent/],
    name => [sub { $_[0]->head($_[1]{id}, 1, @ok, 'x' x 5000 => 1) },
             qr/upstream sent too large http2 header name length: 5000 /],
    value => [sub { $_[0]->head($_[1]{id}, 1, @ok, 'x' => 'x' x 5000) },
              qr/upstream sent too large http2 header value length: 5000 /],
    many => [sub { $_[0]->head($_[1]{id}, 1, @ok, map { ("x$_" => 'y' x 50) }
                                   1 .. 100) },
             qr/upstream sent too large http2 header /],
    # interim heads without end
    hints => [sub {
        my ($p, $s) = @_;
        $p->head($s->{id}, 0, ':status' => 103, link => 'x' x 100)
            for 1 .. 100;
    }, qr/upstream sent too (large http2|big) header/],
    # 40,000 fields in 40,000 bytes: a name and value that are referred to
    bomb => [sub {
        my ($p, $s) = @_;
        $p->frame(HEADERS => 1, $s->{id}, "\x88\x40\x01a\x7f\xe0\x1e"
                  . 'v' x 4063);
        $p->frame(CONTINUATION => 0, $s->{id}, "\xbe" x 8000) for 1 .. 4;
        $p->frame(CONTINUATION => 4, $s->{id}, "\xbe" x 8000);
    }, qr/upstream sent too large http2 header /],
);

# name => the same, where the head is valid
my %cut = (
    short => [sub { $_[0]->head($_[1]{id}, 0, @ok, 'content-length' => 9);
                    $_[0]->data($_[1]{id}, 'abc', 1) },
              qr/upstream prematurely closed stream/],
    more => [sub { $_[0]->head($_[1]{id}, 0, @ok, 'content-length' => 1);
                   $_[0]->data($_[1]{id}, 'abc', 1) },
             qr/larger than indicated content length/],
    none => [sub { $_[0]->head($_[1]{id}, 1, @ok, 'content-length' => 1) },
             qr/upstream prematurely closed stream/],
    full => [sub { $_[0]->head($_[1]{id}, 0, ':status' => 204);
                   $_[0]->data($_[1]{id}, 'abc', 1) },
             qr/larger than indicated content length/],
    endless => [with_head([HEADERS => 4, $id, Weir::H2Peer::fields(x => 1)]),
                qr/trailers before the end/],
    pseudos => [with_head([HEADERS => 5, $id, Weir::H2Peer::fields(@ok)]),
                qr/pseudo-header/],
    reset => [with_head([DATA => 0, $id, 'part'], [RST_STREAM => 0, $id, $one]),
              qr/rejected request with error 1 /],
    drop => [sub { with_head([DATA => 0, $id, 'part'])->(@_); $_[0]->close },
             qr/upstream prematurely closed|recv\(\) failed/],
);

my $has_grpc = has_module('http_grpc');
my (%peer, $conf);
for my $set (\%bad, \%cut) {
    for my $name (sort keys %$set) {
        $peer{$name} = Weir::H2Peer->start($set->{$name}[0]);
        $conf .= "location /$name { proxy_pass http://127.0.0.1:"
            . $peer{$name}->port . "; }\n";
        $conf .= "location /grpc/$name { grpc_pass 127.0.0.1:"
            . $peer{$name}->port . "; }\n" if $has_grpc;
    }
}

# The first connection is to be left; for the requests of others there is none.
$peer{moved} = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    return fine($p, $s) if $p->number > 1;
    $p->goaway(0, 0);
});
$peer{moved3} = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    return fine($p, $s) if $p->number > 1 && length $s->{body} == 3000;
    $p->goaway(0, 0);
});
# A connection that ends while many wait: with GOAWAY, or without a word when it
# was used before.
my @waiting;
$peer{crowd} = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    return fine($p, $s) if $p->number > 1;
    push @waiting, $s->{id};
    $p->goaway(0, 0) if @waiting == 6;
});
$peer{gone} = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    return fine($p, $s) if $p->number > 1 || $s->{number} == 1;
    $p->close if $s->{number} == 7;
});
$peer{nowhere} = Weir::H2Peer->start(sub { $_[0]->goaway(0, 0) });
# What has begun ends well, but nothing follows.
$peer{last} = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    $p->goaway($s->{id}, 0);
    fine($p, $s);
});
$peer{idle} = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    fine($p, $s);
    $p->frame(PING => 0, 0, '12345678');
    $p->frame(SETTINGS => 0, 0, pack 'nN', 3, 7);
    $p->frame(WINDOW_UPDATE => 0, 0, $one);
});
$peer{leaves} = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    fine($p, $s);
    $p->goaway($s->{id}, 0);
});
$peer{closed} = Weir::H2Peer->start(\&fine, settings => [4 => 0]);
$peer{narrow} = Weir::H2Peer->start(\&fine, settings => [4 => 10]);
$peer{silent} = Weir::H2Peer->start(sub { });
$peer{after} = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    fine($p, $s);
    $p->data($s->{id}, 'too late', 1) if $s->{number} == 1;
});
# A response before the body has been read.
$peer{first} = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    fine($p, $s);
    $p->reset($s->{id}, 0);
}, early => 1, no_window => 1);
$peer{pieces} = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    $p->head($s->{id}, 0, ':status' => 100);
    $p->head($s->{id}, 0, ':status' => 103, link => '</a>');
    $p->frame(HEADERS => 0, $s->{id}, "\x88");
    $p->frame(CONTINUATION => 0, $s->{id}, Weir::H2Peer::fields(x => 1));
    $p->frame(CONTINUATION => 4, $s->{id}, Weir::H2Peer::fields(y => 2));
    $p->frame(DATA => 8, $s->{id}, "\x09abc" . "\0" x 9);
    $p->frame(99 => 0, $s->{id}, 'of another kind');
    $p->data($s->{id}, '') for 1 .. 10;
    $p->data($s->{id}, 'def');
    $p->head($s->{id}, 1, 'x-end' => 'yes', connection => 'x');
});
$conf .= "location /$_ { proxy_pass http://$_; }\n"
    for qw(moved moved3 crowd gone nowhere last idle leaves closed narrow silent
           after first pieces);

my $fine = Weir::H2Peer->start(\&fine);
my $groups = join '', map {
    "upstream $_ { server 127.0.0.1:" . $peer{$_}->port . "; keepalive 2; }\n"
} qw(moved moved3 crowd gone nowhere last idle leaves closed narrow silent after
     first pieces);
my $shared = is_oracle() ? '' : join '', map {
    "location /shared/$_ { proxy_http2_max_concurrent 10; proxy_pass http://$_; }\n"
} qw(crowd gone);
my ($rst, $f) = ($peer{rst7}->port, $fine->port);
my $close = $peer{close}->port;

$conf .= 'location /grpc/refused { grpc_pass 127.0.0.1:%%PORT_dead%%; }'
    . 'location /grpc/silent { grpc_pass silent; grpc_read_timeout 200ms; }'
    if $has_grpc;
my $grpc = !$has_grpc ? '' : 'grpc_buffer_size 4k; grpc_read_timeout 2s;'
    . (is_oracle() ? '' : 'grpc_errors off;');

my $t = Weir::Test->new;
$t->run(<<"EOC");
%%HTTP%%
    $groups
    upstream two { server 127.0.0.1:$rst max_fails=0;
                   server 127.0.0.1:$f backup; }
    upstream three { server 127.0.0.1:$close max_fails=0;
                     server 127.0.0.1:$f backup; }
    proxy_http_version 2;
    proxy_buffer_size 4k;
    $grpc
    add_header X-Error "\$upstream_error" always;
    add_header X-Tries "\$upstream_status" always;
    proxy_pass_trailers on;
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_read_timeout 2s;
        $conf
        location /next { proxy_pass http://two; }
        location /nextall { proxy_pass http://two;
            proxy_next_upstream invalid_header; }
        location /nextany { proxy_pass http://two;
            proxy_next_upstream invalid_header non_idempotent; }
        location /nexterror { proxy_pass http://three; }
        location /wait/silent { proxy_pass http://silent;
            proxy_read_timeout 200ms; }
        location /wait/closed { proxy_pass http://closed;
            proxy_send_timeout 200ms; }
        $shared
        location /unbuffered/moved { proxy_pass http://moved3;
            proxy_request_buffering off; }
        location /unbuffered/first { proxy_pass http://first;
            proxy_request_buffering off; }
    }
}
EOC

sub new_lines {
    my @lines = $t->log;
    my @new = grep { /\[(error|alert|crit|warn)\]/ } @lines[$t->{seen} // 0 .. $#lines];
    $t->{seen} = @lines;
    return join '', @new;
}

for my $by ('', $has_grpc ? '/grpc' : ()) {
    for my $name (sort keys %bad) {
        is $t->get("$by/$name")->status, 502, "$by/$name: 502";
        wait_until(sub { $t->{lines} = new_lines(); $t->{lines} ne '' });
        like $t->{lines}, $bad{$name}[1], "$by/$name: and why";
    }
    for my $name (sort keys %cut) {
        my $r = $t->get("$by/$name");
        ok !$r->complete || $r->status =~ /^(0|204|502)$/,
            "$by/$name: not complete";
        wait_until(sub { $t->{lines} = new_lines(); $t->{lines} ne '' });
        like $t->{lines}, $cut{$name}[1], "$by/$name: and why";
    }
}
is $t->get('/grpc/refused')->status, 502, 'gRPC: refused' if $has_grpc;
is $t->get('/rst2')->header('X-Error'), 'reset', 'the cause of a reset';
is $t->get('/value')->header('X-Error'), 'header_too_big', '... of a bomb';

# ---- other connections, other servers ----

my $r = $t->get('/moved');
is $r->body, 'fine', 'GOAWAY: asked again over another connection';
is $r->header('X-Tries'), '200', 'which is no failure';
is $t->post('/moved', 'x')->body, 'fine', 'POST as well';
is $t->post('/unbuffered/moved', 'x' x 3000)->body, 'fine',
    'and a body that was passed on as it came';
is $t->get('/nowhere')->status, 502, 'but not for ever';
is $peer{nowhere}->connections, 4, 'only three times';
if (!is_oracle()) {
    is $t->get('/shared/gone')->body, 'fine', 'a connection is kept';
    for my $case (['crowd', 'GOAWAY'], ['gone', 'an end']) {
        my ($name, $what) = @$case;
        my @c = map { $t->connect } 1 .. 6;

        $_->send_request('GET', "/shared/$name") for @c;
        is join(' ', map { $_->read_response->body } @c), join(' ', ('fine') x 6),
            "$what: many that wait are asked again";
        is $peer{$name}->connections, 2, '... over one other connection';
    }
}
is $t->get('/last')->header('x-conn'), 1, 'a stream that has begun ends';
is $t->get('/last')->header('x-conn'), 2, 'and another connection follows';
is $t->get('/leaves')->body, 'fine', 'GOAWAY behind a response';
wait_until(sub { $t->get('/leaves')->header('x-conn') >= 2 });
is $t->get('/idle')->header('x-conn'), 1, "idle: frames are answered ($_)"
    for 1 .. 3;
ok wait_until(sub {
    3 == grep { $_->{flags} == 1 } Weir::H2Peer::frames($peer{idle}, 'PING');
}), 'each PING';
is $t->get('/next')->status, 502, 'a reset is no error';
is $t->get('/nextall')->body, 'fine', 'but invalid_header';
is $t->post('/nextall', 'x')->status, 502, 'POST is not repeated';
is $t->post('/nextany', 'x' x 50_000)->body, 'fine', 'unless told so';
is $t->get('/nexterror')->body, 'fine', 'an end is an error';
is $t->get('/after')->body, 'fine', "data behind the end ($_)" for 1, 2;

# ---- windows and time ----

is $t->get('/wait/closed')->status, 200, 'a closed window, without a body';
is $t->post('/wait/closed', 'abc')->status, 504, 'and with one';
is $t->get('/wait/closed')->header('x-conn'), 2, 'after which all is anew';
is $t->post('/narrow', 'x' x 100)->body, 'fine', 'a narrow window';
is $t->get('/wait/silent')->status, 504, 'silence';
is $t->get('/wait/silent')->status, 504, 'and again';
is $peer{silent}->connections, 2, 'over another connection';
is $t->get('/grpc/silent')->status, 504, 'gRPC: silence' if $has_grpc;
is $t->post('/first', 'x' x 1_000_000)->body, 'fine',
    'a response before the body is read';
is $t->post('/unbuffered/first', 'x' x 1_000_000)->body, 'fine',
    'before it is sent';
$r = $t->get('/pieces');
is $r->body, 'abcdef', 'interim heads, padding, pieces, unknown frames';
is $r->header('x') . $r->header('y'), 12, 'a head in pieces';
is $r->trailer('x-end'), 'yes', 'trailers';
is $r->trailer('connection'), undef, 'without those of a connection';
done_testing;
