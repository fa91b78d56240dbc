# SPDX-License-Identifier: BSD-2-Clause
#
# add_trailer: fields behind a chunked body.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/f', 'x' x 1000);
$t->run(<<'EOC');
%%HTTP%%
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        add_trailer X-Sent "$status $body_bytes_sent";
        location / { }
        location /own/ { alias %%TESTDIR%%/html/; add_trailer X-Own own;
                         add_trailer X-Empty $arg_none; }
        location /always { add_trailer X-A a always; add_trailer X-B b;
                           return 404; }
        location /unchunked/ { alias %%TESTDIR%%/html/;
                               chunked_transfer_encoding off; }
    }
}
EOC

# trailers($uri): the whole answer, frames and all.
sub trailers {
    my ($uri, %opt) = @_;
    my $method = $opt{method} // 'GET';
    my $version = $opt{version} // '1.1';

    return $t->raw("$method $uri HTTP/$version\r\nHost: x\r\n"
                   . "Connection: close\r\n" . ($opt{more} // '')
                   . "\r\n")->raw;
}

like trailers('/f'), qr/\r\nTransfer-Encoding: chunked\r\n/, 'chunked';
unlike trailers('/f'), qr/Content-Length/, 'without a length';
like trailers('/f'), qr/\r\n0\r\nX-Sent: 200 \d+\r\n\r\n\z/, 'a trailer';
like trailers('/own/f'), qr/\r\n0\r\nX-Own: own\r\n\r\n\z/, 'another level';
like trailers('/always'), qr/\r\n0\r\nX-A: a\r\n\r\n\z/, 'always';
like trailers('/own/f', more => "Range: bytes=5-9\r\n"),
    qr/^HTTP\/1.1 206.*\r\n\r\n5\r\nx{5}\r\n0\r\nX-Own: own\r\n\r\n\z/s,
    'behind a range';
like trailers('/f', version => '1.0'),
    qr/Content-Length: 1000\r\n.*\r\n\r\nx{1000}\z/s, 'HTTP/1.0';
like trailers('/unchunked/f'), qr/Content-Length: 1000\r\n.*x{1000}\z/s,
    'chunked_transfer_encoding off';
unlike trailers('/f', method => 'HEAD'), qr/X-Sent/, 'HEAD';
unlike trailers('/none'), qr/X-Sent/, 'not behind errors';

done_testing;
