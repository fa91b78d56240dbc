# SPDX-License-Identifier: BSD-2-Clause
#
# What RFC 9113 and 7541 demand of a server where a client breaks the rules:
# frames, states of streams, heads, field blocks; and what has to be accepted.
#
# Each case is run on plain connections and over TLS, against a response from
# memory, a file, and an upstream.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2 qw(frame $PREFACE);
use Weir::TLS;
use Weir::Test;

plan skip_all => 'nginx breaks some of these' if is_oracle();
need_module('http_v2', 'http_ssl');
need_tls();

use constant { NO_ERROR => 0, PROTOCOL => 1, FLOW => 3, CLOSED => 5, SIZE => 6,
    REFUSED => 7, COMPRESSION => 9, CALM => 11 };

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue('a', by => 'ca');
my $backend = Weir::Backend->http(sub {
    return "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nupstream";
});
$t->write('html/static', 'a file');
$t->run(<<"EOC");
%%GLOBALS%%
events {}
http {
    %%GLOBALS_HTTP%%
    http2 on;
    http2_max_concurrent_streams 10;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name a.test;
        ssl_certificate %%TESTDIR%%/tls/a.pem;
        ssl_certificate_key %%TESTDIR%%/tls/a.key;
        root %%TESTDIR%%/html;
        location / { return 200 "memory"; }
        location /static { }
        location /proxied { proxy_pass http://127.0.0.1:${\ $backend->port}; }
        location /hang { limit_rate 1; limit_rate_after 1; return 200 "0123456789"; }
    }
}
EOC

my ($tls, $path);       # of the present round
my $c;

sub open_one {
    my (%opt) = @_;

    return Weir::H2->new(port => $tls ? $t->port('tls') : $t->port,
        tls => $tls, %opt);
}

# The field block of a good request.
sub good { return Weir::Hpack::encode($c->head('GET', $path)) }

# A block with these pseudo headers instead, then fields.
sub block { return Weir::Hpack::encode(@_) }

sub headers {
    my ($id, $flags, $block) = @_;
    return frame(1, $flags, $id, $block // good());
}

sub settings { return frame(4, 0, 0, join '', Weir::H2::pairs(@_)) }

# conn($code, @bytes): the connection ends with it.
sub conn_error {
    my ($code, $bytes) = @_;

    $c->ping;
    $c->raw($bytes);
    $c->until_closed(5);
    return 'stays open' if !$c->eof;
    return 'closed' if !defined $c->goaway;
    return $c->goaway == $code ? '' : 'GOAWAY ' . $c->goaway;
}

# stream_error($code, $id, $bytes): the stream ends with it, or the connection.
sub stream_error {
    my ($code, $id, $bytes) = @_;
    my $s = $c->stream($id);

    $c->ping;
    $c->raw($bytes);
    $c->until(sub { defined $s->{reset} || $c->eof }, 5);
    return 'GOAWAY ' . $c->goaway if defined $c->goaway && $c->goaway != $code;
    return '' if defined $c->goaway;
    return 'no reset' if !defined $s->{reset};
    return $s->{reset} == $code ? '' : "RST_STREAM $s->{reset}";
}

# fine($bytes, $id): the stream is answered with 200, and the connection lives.
sub fine {
    my ($bytes, $id) = @_;

    $c->raw($bytes);
    my $s = $c->wait($id // 1);
    return 'GOAWAY ' . $c->goaway if defined $c->goaway;
    return 'status ' . ($s->{status} // '-') if ($s->{status} // 0) != 200;
    return $c->ping ? '' : 'no PONG';
}

# malformed(@fields): 400, then a reset.
sub malformed {
    my $error = stream_error(PROTOCOL, 1, headers(1, 5, block(@_)));

    return $error if $error;
    my $status = $c->stream(1)->{status} // '-';
    return $status eq '400' || $c->eof ? '' : "status $status";
}

# The same for a request with these fields behind its pseudo headers.
sub bad_fields { return malformed($c->head('GET', $path, headers => [@_])) }

sub pseudo {
    my (@more) = @_;
    return (':method', 'GET', ':scheme', 'http', ':path', $path,
        ':authority', 'a.test', @more);
}

# What is in flight while a stream is open.
my $open = sub { headers(1, 4) };
my $rst = frame(3, 0, 1, pack 'N', 8);
my $ended = sub { headers(1, 5) };

my @cases = (
    # ---- 3.4 ----
    ['3.4 a preface that is none', sub {
        $c = open_one(bare => 1);
        $c->raw("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" . frame(4, 0, 0));
        $c->until_closed(5) ? '' : 'stays open' }],
    ['3.4 no SETTINGS first', sub {
        $c = open_one(bare => 1);
        $c->raw($PREFACE . frame(6, 0, 0, 'x' x 8));
        $c->until_closed(5) ? '' : 'stays open' }],
    ['3.4 the server begins with SETTINGS', sub {
        $c->ping;
        $c->{frames}[0][0] == 4 ? '' : 'type ' . $c->{frames}[0][0] }],

    # ---- 4 ----
    ['4.1 an unknown type', sub { fine(frame(22, 0, 0, 'x' x 8) . $ended->()) }],
    ['4.1 unknown flags', sub {
        my $n = $c->{pongs};
        $c->raw(frame(6, 0x16, 0, 'x' x 8));
        $c->until(sub { $c->{pongs} > $n }, 5) ? '' : 'no PONG' }],
    ['4.1 the reserved bit', sub {
        my $n = $c->{pongs};
        $c->raw(frame(6, 0, 0x80000000, 'x' x 8));
        $c->until(sub { $c->{pongs} > $n }, 5) ? '' : 'no PONG' }],
    ['4.2 DATA of 16384 bytes', sub {
        fine(headers(1, 4) . frame(0, 1, 1, 'x' x 16384)) }],
    ['4.2 DATA of more', sub {
        stream_error(SIZE, 1, headers(1, 4) . frame(0, 1, 1, 'x' x 16385)) }],
    ['4.2 HEADERS of more', sub {
        conn_error(SIZE, headers(1, 5, good()
            . block(map { ("x-$_" => 'y' x 4000) } 1 .. 5))) }],
    ['4.3 a block that is none', sub {
        conn_error(COMPRESSION, headers(1, 5, "\x40\1\xff")) }],
    ['4.3 PRIORITY within a head', sub {
        conn_error(PROTOCOL, headers(1, 1) . frame(2, 0, 1, pack 'NC', 0, 1)) }],
    ['4.3 another head within a head', sub {
        conn_error(PROTOCOL, headers(1, 1) . headers(3, 5)) }],

    # ---- 5.1 ----
    ['5.1 idle: DATA', sub { conn_error(PROTOCOL, frame(0, 1, 1, 'x')) }],
    ['5.1 idle: RST_STREAM', sub { conn_error(PROTOCOL, $rst) }],
    ['5.1 idle: WINDOW_UPDATE', sub {
        conn_error(PROTOCOL, frame(8, 0, 1, pack 'N', 100)) }],
    ['5.1 idle: CONTINUATION', sub {
        conn_error(PROTOCOL, frame(9, 4, 1, good())) }],
    ['5.1 half-closed: DATA', sub {
        $path = '/hang' if $path eq '/';
        stream_error(CLOSED, 1, $ended->() . frame(0, 1, 1, 'x')) }],
    ['5.1 half-closed: HEADERS', sub {
        stream_error(CLOSED, 1, $ended->() . headers(1, 5)) }],
    ['5.1 half-closed: CONTINUATION', sub {
        my $e = conn_error(CLOSED, $ended->() . frame(9, 4, 1, good()));
        $e eq 'GOAWAY 1' ? '' : $e }],
    ['5.1 closed by RST_STREAM: DATA', sub {
        stream_error(CLOSED, 1, $open->() . $rst . frame(0, 1, 1, 'x')) }],
    ['5.1 closed by RST_STREAM: HEADERS', sub {
        stream_error(CLOSED, 1, $open->() . $rst . headers(1, 5)) }],
    ['5.1 closed by RST_STREAM: CONTINUATION', sub {
        my $e = conn_error(CLOSED, $open->() . $rst . frame(9, 4, 1, good()));
        $e eq 'GOAWAY 1' ? '' : $e }],
    ['5.1 closed by its end: DATA', sub {
        $c->raw($ended->());
        $c->wait(1);
        conn_error(CLOSED, frame(0, 1, 1, 'x')) }],
    ['5.1 closed by its end: HEADERS', sub {
        $c->raw($ended->());
        $c->wait(1);
        conn_error(CLOSED, headers(1, 5)) }],
    ['5.1 closed by its end: CONTINUATION', sub {
        $c->raw($ended->());
        $c->wait(1);
        my $e = conn_error(CLOSED, frame(9, 4, 1, good()));
        $e eq 'GOAWAY 1' ? '' : $e }],
    ['5.1 closed: PRIORITY', sub {
        $c->raw($ended->());
        $c->wait(1);
        fine(frame(2, 0, 1, pack 'NC', 0, 1) . headers(3, 5), 3) }],
    ['5.1 closed: WINDOW_UPDATE', sub {
        $c->raw($ended->());
        $c->wait(1);
        fine(frame(8, 0, 1, pack 'N', 1) . headers(3, 5), 3) }],
    ['5.1 closed: RST_STREAM', sub {
        $c->raw($ended->());
        $c->wait(1);
        fine($rst . headers(3, 5), 3) }],
    ['5.1.1 an even number', sub { conn_error(PROTOCOL, headers(2, 5)) }],
    ['5.1.1 a lower number', sub {
        conn_error(PROTOCOL, headers(5, 5) . headers(3, 5)) }],
    ['5.1.2 too many at once', sub {
        my $n = 1;
        my $bytes = join '', map { headers(1 + 2 * $_, 4) } 0 .. 10;
        my $e = stream_error(REFUSED, 21, $bytes);
        $e eq 'GOAWAY 1' ? '' : $e }],
    ['5.3.1 HEADERS that depend on themselves', sub {
        stream_error(PROTOCOL, 1,
            headers(1, 0x25, pack('NC', 1, 255) . good())) }],
    ['5.3.1 PRIORITY that depends on itself', sub {
        stream_error(PROTOCOL, 1, frame(2, 0, 1, pack 'NC', 1, 255)) }],
    ['5.4.1 an error closes the connection', sub {
        conn_error(SIZE, frame(6, 0, 0, 'x')) }],
    ['5.5 an unknown frame', sub { fine(frame(0xfa, 1, 1, 'x') . $ended->()) }],
    ['5.5 an unknown frame within a head', sub {
        conn_error(PROTOCOL, headers(1, 1) . frame(0xfa, 0, 1, 'x')
            . frame(9, 4, 1)) }],

    # ---- 6 ----
    ['6.1 DATA of the connection', sub { conn_error(PROTOCOL, frame(0, 1, 0, 'x')) }],
    ['6.1 padding', sub {
        fine(headers(1, 4) . frame(0, 9, 1, "\5body" . "\0" x 5)) }],
    ['6.1 too much padding', sub {
        conn_error(PROTOCOL, headers(1, 4) . frame(0, 9, 1, "\xffx")) }],
    ['6.2 HEADERS of the connection', sub { conn_error(PROTOCOL, headers(0, 5)) }],
    ['6.2 padding', sub {
        fine(headers(1, 0xd, "\3" . good() . "\0" x 3)) }],
    ['6.2 too much padding', sub {
        conn_error(PROTOCOL, headers(1, 0xd, "\xffx")) }],
    ['6.2 priority', sub {
        fine(headers(1, 0x25, pack('NC', 0, 15) . good())) }],
    ['6.3 PRIORITY of the connection', sub {
        conn_error(PROTOCOL, frame(2, 0, 0, pack 'NC', 1, 15)) }],
    ['6.3 PRIORITY of another size', sub {
        stream_error(SIZE, 1, headers(1, 4) . frame(2, 0, 1, 'xxxx')) }],
    ['6.4 RST_STREAM of the connection', sub {
        conn_error(PROTOCOL, frame(3, 0, 0, pack 'N', 8)) }],
    ['6.4 RST_STREAM of another size', sub {
        conn_error(SIZE, headers(1, 4) . frame(3, 0, 1, 'xxx')) }],
    ['6.5 an ACK with something', sub { conn_error(SIZE, frame(4, 1, 0, 'x' x 6)) }],
    ['6.5 SETTINGS of a stream', sub { conn_error(PROTOCOL, frame(4, 0, 1)) }],
    ['6.5 SETTINGS of another size', sub { conn_error(SIZE, frame(4, 0, 0, 'xxx')) }],
    ['6.5.2 ENABLE_PUSH of 2', sub { conn_error(PROTOCOL, settings(2 => 2)) }],
    ['6.5.2 INITIAL_WINDOW_SIZE too large', sub {
        conn_error(FLOW, settings(4 => 0x80000000)) }],
    ['6.5.2 MAX_FRAME_SIZE too small', sub {
        conn_error(PROTOCOL, settings(5 => 16383)) }],
    ['6.5.2 MAX_FRAME_SIZE too large', sub {
        conn_error(PROTOCOL, settings(5 => 1 << 24)) }],
    ['6.5.2 ENABLE_CONNECT_PROTOCOL is accepted', sub {
        fine(settings(8 => 1) . $ended->()) }],
    ['6.5.2 an unknown setting', sub { fine(settings(255 => 1) . $ended->()) }],
    ['6.5.3 the last value counts', sub {
        $c->{closed} = 1;
        $c->raw(settings(4 => 100, 4 => 1) . $ended->());
        $c->until(sub { $c->stream(1)->{data} }, 5);
        length $c->stream(1)->{body} == 1 ? '' : 'not one byte' }],
    ['6.5.3 SETTINGS are acknowledged', sub {
        $c->raw(settings(4 => 100));
        $c->ping;
        grep({ $_->[0] == 4 && $_->[1] & 1 } @{ $c->{frames} }) == 2 ? ''
            : 'no ACK' }],
    ['6.6 PUSH_PROMISE', sub {
        conn_error(PROTOCOL, headers(1, 4)
            . frame(5, 4, 1, pack('N', 2) . good())) }],
    ['6.7 PING comes back', sub {
        $c->raw(frame(6, 0, 0, '12345678'));
        $c->until(sub { grep { $_->[0] == 6 && $_->[1] & 1
            && $_->[3] eq '12345678' } @{ $c->{frames} } }, 5) ? '' : 'no' }],
    ['6.7 an ACK does not', sub {
        $c->raw(frame(6, 1, 0, 'invalid!') . frame(6, 0, 0, '12345678'));
        $c->until(sub { $c->{pongs} }, 5);
        (grep { $_->[0] == 6 && $_->[3] eq 'invalid!' } @{ $c->{frames} })
            ? 'it does' : '' }],
    ['6.7 PING of a stream', sub { conn_error(PROTOCOL, frame(6, 0, 1, 'x' x 8)) }],
    ['6.7 PING of another size', sub { conn_error(SIZE, frame(6, 0, 0, 'x' x 6)) }],
    ['6.8 GOAWAY of a stream', sub {
        conn_error(PROTOCOL, frame(7, 0, 1, pack 'NN', 0, 0)) }],
    ['6.8 GOAWAY of another size', sub { conn_error(SIZE, frame(7, 0, 0, 'x')) }],
    ['6.9 WINDOW_UPDATE of nothing', sub {
        conn_error(PROTOCOL, frame(8, 0, 0, pack 'N', 0)) }],
    ['6.9 WINDOW_UPDATE of nothing for a stream', sub {
        stream_error(PROTOCOL, 1, headers(1, 4) . frame(8, 0, 1, pack 'N', 0)) }],
    ['6.9 WINDOW_UPDATE of another size', sub {
        conn_error(SIZE, frame(8, 0, 0, 'xxx')) }],
    ['6.9.1 a window of one byte', sub {
        $c->{closed} = 1;
        $c->raw(settings(4 => 1) . $ended->());
        $c->until(sub { $c->stream(1)->{data} }, 5);
        length $c->stream(1)->{body} == 1 ? '' : 'not one byte' }],
    ['6.9.1 a window that is too large', sub {
        conn_error(FLOW, frame(8, 0, 0, pack 'N', 0x7fffffff) x 2) }],
    ['6.9.1 that of a stream', sub {
        stream_error(FLOW, 1,
            headers(1, 4) . frame(8, 0, 1, pack 'N', 0x7fffffff) x 2) }],
    ['6.9.2 a window opens with SETTINGS', sub {
        $c->{closed} = 1;
        $c->raw(settings(4 => 0) . $ended->());
        $c->ping;
        return 'DATA too early' if $c->stream(1)->{data};
        $c->raw(settings(4 => 1));
        $c->until(sub { $c->stream(1)->{data} }, 5);
        length $c->stream(1)->{body} == 1 ? '' : 'not one byte' }],
    ['6.9.2 a negative window', sub {
        $c->{closed} = 1;
        $c->raw(settings(4 => 3) . $ended->());
        $c->until(sub { length $c->stream(1)->{body} == 3 }, 5);
        $c->raw(settings(4 => 2) . frame(8, 0, 1, pack 'N', 2));
        $c->ping;
        $c->until(sub { length $c->stream(1)->{body} > 3 }, 5);
        length $c->stream(1)->{body} == 4 ? ''
            : length $c->stream(1)->{body} }],
    ['6.9.2 SETTINGS that overflow a window', sub {
        conn_error(FLOW, headers(1, 4) . headers(3, 4)
            . frame(8, 0, 3, pack 'N', 0x7fff0000)
            . settings(4 => 65536)) }],
    ['6.9.2 SETTINGS that fill a window', sub {
        fine(headers(1, 4) . frame(8, 0, 1, pack 'N', 0x7fff0000)
            . settings(4 => 65535) . frame(0, 1, 1)) }],
    ['8.1 the last DATA is empty, behind the response', sub {
        $c->raw(headers(1, 4));
        $c->until(sub { $c->stream(1)->{done} }, 1);
        fine(frame(0, 1, 1)) }],
    ['6.9.2 the same where some of it is used', sub {
        $c->{closed} = 1;
        $c->raw($ended->());
        $c->until(sub { $c->stream(1)->{done} || $c->stream(1)->{data} }, 5);
        fine(settings(4 => 0x7fffffff)) }],
    ['6.10 CONTINUATION', sub {
        my $b = good();
        fine(headers(1, 1, substr $b, 0, 9) . frame(9, 0, 1, substr $b, 9, 5)
            . frame(9, 4, 1, substr $b, 14)) }],
    ['6.10 something else than CONTINUATION', sub {
        conn_error(PROTOCOL, headers(1, 0) . frame(9, 0, 1)
            . frame(0, 1, 1, 'x')) }],
    ['6.10 CONTINUATION of the connection', sub {
        conn_error(PROTOCOL, headers(1, 1) . frame(9, 4, 0, '')) }],
    ['6.10 CONTINUATION behind the end of a head', sub {
        my $e = conn_error(PROTOCOL, headers(1, 4) . frame(9, 4, 1, ''));
        $e }],
    ['6.10 CONTINUATION behind DATA', sub {
        conn_error(PROTOCOL, headers(1, 4) . frame(0, 0, 1, 'x')
            . frame(9, 4, 1, '')) }],
    ['7 an unknown code in GOAWAY', sub {
        $c->raw(frame(7, 0, 0, pack 'NN', 0, 0xff));
        $c->ping || $c->eof ? '' : 'no PONG' }],
    ['7 an unknown code in RST_STREAM', sub {
        $c->raw(headers(1, 4) . frame(3, 0, 1, pack 'N', 0xff));
        $c->ping ? '' : 'closed' }],

    # ---- 8 ----
    ['8.1 a second head without an end', sub {
        stream_error(PROTOCOL, 1, headers(1, 4)
            . headers(1, 4, block('x-trailer' => 1))) }],
    ['8.1 trailers', sub {
        fine(headers(1, 4) . frame(0, 0, 1, 'x')
            . headers(1, 5, block('x-trailer' => 1))) }],
    ['8.2.1 upper case', sub { bad_fields('X-Test' => 'ok') }],
    ['8.2.1 a name with a space', sub { bad_fields('x test' => 'ok') }],
    ['8.2.1 a name with a colon', sub { bad_fields('x:test' => 'ok') }],
    ['8.2.1 a name with a control', sub { bad_fields("x\1" => 'ok') }],
    ['8.2.1 no name', sub { bad_fields('' => 'ok') }],
    ['8.2.1 a value with NUL', sub { bad_fields(x => "a\0b") }],
    ['8.2.1 a value with CR', sub { bad_fields(x => "a\rb") }],
    ['8.2.1 a value with LF', sub { bad_fields(x => "a\nb") }],
    ['8.2.1 a value with a blank before it', sub { bad_fields(x => ' a') }],
    ['8.2.1 a value with a tab behind it', sub { bad_fields(x => "a\t") }],
    ['8.2.2 connection', sub { bad_fields(connection => 'keep-alive') }],
    ['8.2.2 transfer-encoding', sub { bad_fields('transfer-encoding' => 'chunked') }],
    ['8.2.2 te', sub { bad_fields(te => 'trailers, deflate') }],
    ['8.2.2 upgrade', sub { bad_fields(upgrade => 'h2c') }],
    ['8.2.2 keep-alive', sub { bad_fields('keep-alive' => '5') }],
    ['8.2.2 proxy-connection', sub { bad_fields('proxy-connection' => 'x') }],
    ['8.3 an unknown pseudo header', sub {
        malformed(pseudo(':test' => 'ok')) }],
    ['8.3 one of responses', sub { malformed(pseudo(':status' => 200)) }],
    ['8.3 one in trailers', sub {
        stream_error(PROTOCOL, 1, headers(1, 4) . frame(0, 0, 1, 'x')
            . headers(1, 5, block(':method' => 'POST'))) }],
    ['8.3 one behind a field', sub {
        malformed(':method', 'GET', ':scheme', 'http', 'x', 'y', ':path', $path,
            ':authority', 'a.test') }],
    ['8.3.1 an empty :path', sub {
        malformed(':method', 'GET', ':scheme', 'http', ':path', '',
            ':authority', 'a.test') }],
    ['8.3.1 no :method', sub {
        malformed(':scheme', 'http', ':path', $path, ':authority', 'a.test') }],
    ['8.3.1 no :scheme', sub {
        malformed(':method', 'GET', ':path', $path, ':authority', 'a.test') }],
    ['8.3.1 no :path', sub {
        malformed(':method', 'GET', ':scheme', 'http', ':authority', 'a.test') }],
    ['8.3.1 two :method', sub { malformed(pseudo(':method', 'GET')) }],
    ['8.3.1 two :scheme', sub { malformed(pseudo(':scheme', 'http')) }],
    ['8.3.1 two :path', sub { malformed(pseudo(':path', $path)) }],
    ['8.3.1 two :authority', sub { malformed(pseudo(':authority', 'a.test')) }],
    ['8.1.1 a body shorter than its length', sub {
        stream_error(PROTOCOL, 1, headers(1, 4, block(pseudo('content-length', 10)))
            . frame(0, 1, 1, 'test')) }],
    ['8.1.1 a longer one', sub {
        stream_error(PROTOCOL, 1, headers(1, 4, block(pseudo('content-length', 1)))
            . frame(0, 1, 1, 'test')) }],
    ['8.1.1 a longer one in pieces', sub {
        stream_error(PROTOCOL, 1, headers(1, 4, block(pseudo('content-length', 1)))
            . frame(0, 0, 1, 'te') . frame(0, 1, 1, 'st')) }],
    ['8.1.1 one that comes behind the answer', sub {
        $c->ping;
        $c->raw(headers(1, 4, block(pseudo('content-length', 1))));
        $c->until(sub { $c->stream(1)->{done} }, 1);
        stream_error(PROTOCOL, 1, frame(0, 1, 1, 'test')) }],
    ['8.1.1 no body where a length is said', sub {
        stream_error(PROTOCOL, 1, headers(1, 5, block(pseudo('content-length', 1)))) }],
    ['8.1.1 two lengths', sub {
        $c->raw(headers(1, 4, block(pseudo('content-length', 1,
            'content-length', 1))));
        ($c->wait(1)->{status} // '-') eq '400' ? '' : 'not refused' }],

    # ---- RFC 7541 ----
    ['HPACK 2.3.3 an index beyond the tables', sub {
        conn_error(COMPRESSION, headers(1, 5, good() . "\xff\x80\1")) }],
    ['HPACK 2.3.3 the same of a name', sub {
        conn_error(COMPRESSION, headers(1, 5, good() . "\x7f\x80\1\1x")) }],
    ['HPACK 4.2 a new size of the table at the end', sub {
        conn_error(COMPRESSION, headers(1, 5, good() . "\x21")) }],
    ['HPACK 5.1 a number without an end', sub {
        conn_error(COMPRESSION, headers(1, 5, good() . "\xff")) }],
    ['HPACK 5.1 a number that is too large', sub {
        conn_error(COMPRESSION, headers(1, 5, good() . "\xff" . "\xff" x 9 . "\1")) }],
    ['HPACK 5.2 EOS in a text', sub {
        conn_error(COMPRESSION, headers(1, 5, good()
            . "\0\1x\x84\xff\xff\xff\xff")) }],
    ['HPACK 5.2 padding of more than 7 bits', sub {
        conn_error(COMPRESSION, headers(1, 5, good()
            . "\0\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff")) }],
    ['HPACK 5.2 padding of zeroes', sub {
        conn_error(COMPRESSION, headers(1, 5, good()
            . "\0\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90")) }],
    ['HPACK 5.2 a text that is cut', sub {
        conn_error(COMPRESSION, headers(1, 5, good() . "\0\1x\x7fabc")) }],
    ['HPACK 6.1 index 0', sub {
        conn_error(COMPRESSION, headers(1, 5, good() . "\x80")) }],
    ['HPACK 6.3 a table that is too large', sub {
        conn_error(COMPRESSION, headers(1, 5, "\x3f\xe2\x1f" . good())) }],
    ['HPACK 6.2.1 a field that is remembered', sub {
        $c->raw(headers(1, 5, good() . "\x40\1a\1b"));
        $c->wait(1);
        fine(headers(3, 5, good() . "\xbe"), 3) }],
    ['HPACK 6.2.3 one that is never', sub {
        fine(headers(1, 5, good() . "\x10\1a\1b")) }],
    ['HPACK 6.3 a smaller table', sub {
        fine(headers(1, 5, "\x20" . good())) }],
);

my @rounds = ([0, "/"], [0, "/proxied"], [1, "/static"]);
push @rounds, [0, "/static"], [1, "/"], [1, "/proxied"] if $ENV{TEST_SOAK};
for my $round (@rounds) {
    ($tls, my $where) = @$round;
    my @failed;
    for my $case (@cases) {
        $path = $where;
        $c = open_one();
        my $error = $case->[1]->();
        push @failed, "$case->[0]: $error" if $error ne '';
        $c->close;
    }
    is join("\n", @failed), '', scalar(@cases) . ' cases, '
        . ($tls ? 'TLS' : 'plain') . ", $where";
}

done_testing;
