# SPDX-License-Identifier: BSD-2-Clause
#
# The client's side of WebSockets, as far as tests need it:
#
#     my ($c, $response) = ws_open($t, '/ws', host => 'app.test');
#     ws_send($c, 'hello');
#     my ($type, $text) = ws_read($c);

package Weir::WebSocket;

use strict;
use warnings;

use Exporter 'import';
use MIME::Base64 qw(encode_base64);

use Weir::Test ();

our @EXPORT = qw(ws_open ws_send ws_read);


# ws_open($t, $uri, %opt): the connection and the response to the handshake;
# host => NAME, and options of $t->connect.
sub ws_open {
    my ($t, $uri, %opt) = @_;
    my $host = delete $opt{host} // 'localhost';
    my $c = $t->connect(timeout => Weir::Test::slow(20), %opt);
    my $key = encode_base64('sixteen bytes...', '');

    $c->send_request('GET', $uri, host => $host, headers => [
        Upgrade => 'websocket', Connection => 'Upgrade',
        'Sec-WebSocket-Key' => $key, 'Sec-WebSocket-Version' => 13,
    ]);
    return ($c, $c->read_response);
}

# ws_send($c, $text, $type): a message, text (1) if no type is named.
sub ws_send {
    my ($c, $text, $type) = @_;
    my $n = length $text;
    my $mask = pack 'N', 0xa1b2c3d4;
    my $masked = $text ^ substr $mask x (1 + $n / 4), 0, $n;

    return $c->send(chr(0x80 | ($type // 1))
        . ($n < 126 ? chr(0x80 | $n)
           : $n < 65536 ? pack('Cn', 0x80 | 126, $n)
           : pack('CQ>', 0x80 | 127, $n))
        . $mask . $masked);
}

# ws_read($c): the type and text of the next message.
sub ws_read {
    my ($c) = @_;
    my $head = $c->read_until(qr/\A.{2}/s) // return ('nothing', '');
    my ($type, $n) = unpack 'CC', $head;

    ($n) = unpack 'n', $c->read_until(qr/\A.{2}/s) // "\0\0" if $n == 126;
    ($n) = unpack 'Q>', $c->read_until(qr/\A.{8}/s) // "\0" x 8
        if $n == 127;
    my $text = '';
    while (length $text < $n) {
        my $left = $n - length $text;
        $left = 30_000 if $left > 30_000;
        $text .= $c->read_until(qr/\A.{$left}/s) // last;
    }
    return ($type & 15, $text);
}

1;
