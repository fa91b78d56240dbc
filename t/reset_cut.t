# SPDX-License-Identifier: BSD-2-Clause
#
# A response that breaks off, to a client that cannot tell by its length or
# chunks: the connection is reset, and TLS does not say that it ends.

use strict;
use warnings;

use Errno qw(ECONNRESET);
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use Weir::Backend;
use Weir::Test qw(:DEFAULT slow);
use Weir::TLS;

plan skip_all => 'an nginx closes as ever' if is_oracle();
need_module('http_proxy');

my $b = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my $is_whole = $request->uri =~ /whole/;
    my $chunks = "5\r\nfirst\r\n" . ($is_whole ? "0\r\n\r\n" : '');

    $c->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
             . "Connection: close\r\n\r\n$chunks");
    $c->close;
    return;
});
my $t = Weir::Test->new;
my $has_tls = has_module('http_ssl') && eval { require IO::Socket::SSL; 1 };
Weir::TLS->new($t)->issue('a') if $has_tls;
my $tls = $has_tls ? 'listen 127.0.0.1:%%PORT_tls%% ssl;
        ssl_certificate %%TESTDIR%%/tls/a.pem;
        ssl_certificate_key %%TESTDIR%%/tls/a.key;' : '';
$t->expect_log(qr/prematurely closed/);
$t->run($t->expand(<<"EOC") =~ s/PORT_up/$b->port/ger);
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        $tls
        proxy_http_version 1.1;
        location / { proxy_pass http://127.0.0.1:PORT_up; }
        location /through/ { proxy_pass http://127.0.0.1:PORT_up;
                             proxy_buffering off; }
        location /plain/ { proxy_pass http://127.0.0.1:PORT_up;
                           chunked_transfer_encoding off; }
    }
}
EOC

# ask($socket, $uri, $version): all that comes, and how it ends
sub ask {
    my ($s, $uri, $version) = @_;
    my ($text, $n) = ('', undef);

    $s->syswrite("GET $uri HTTP/$version\r\nHost: a\r\nConnection: close\r\n\r\n");
    while (IO::Select->new($s)->can_read(slow(10))) {
        $n = $s->sysread($text, 4096, length $text);
        last if !$n;
    }
    return ($text, defined $n ? 'end' : $!{ECONNRESET} ? 'reset' : "$!");
}

sub plain { return IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $t->port) }

for (['/', '1.0', 'reset'], ['/through/', '1.0', 'reset'],
     ['/plain/', '1.1', 'reset'], ['/', '1.1', 'end'],
     ['/whole', '1.0', 'end'], ['/through/whole', '1.0', 'end'],
     ['/plain/whole', '1.1', 'end'])
{
    my ($uri, $version, $want) = @$_;
    my ($text, $end) = ask(plain(), $uri, $version);

    like $text, qr/first/, "$uri by HTTP/$version";
    is $end, $want, '... how it ends';
}

SKIP: {
    skip 'no TLS', 1 if !$has_tls;
    for (['/', 0], ['/whole', 1]) {
        my ($uri, $is_whole) = @$_;
        my $s = IO::Socket::SSL->new(PeerAddr => '127.0.0.1:' . $t->port('tls'),
                                     SSL_verify_mode => 0);
        my ($text) = ask($s, $uri, '1.0');

        like $text, qr/first/, "$uri by TLS";
        is Net::SSLeay::get_shutdown($s->_get_ssl_object) & 2 ? 1 : 0,
            $is_whole, '... whether TLS says that it ends';
    }
}

done_testing;
