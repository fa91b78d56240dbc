# SPDX-License-Identifier: BSD-2-Clause
#
# A client that ends its side while the last bytes of a response are on their way:
# with TLS that is a record (close_notify), and one that comes when the server has
# closed all would make the system drop what it has not sent.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_RCVBUF pack_sockaddr_in inet_aton PF_INET SOCK_STREAM);
use Weir::Test;
use Weir::TLS;

need_tls();
plan skip_all => 'no IO::Socket::SSL: sh auto/deps test installs it'
    if !eval { require IO::Socket::SSL; require Net::SSLeay; 1 };
plan skip_all => 'nginx resets such connections' if is_oracle();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->issue('a');
my $body = join '', map { "line $_\n" } 1 .. 18_000;
$t->write('html/big', $body);
$t->run(<<'EOC');
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    root %%TESTDIR%%/html;
    log_format sent "$request_uri is sent";
    access_log %%TESTDIR%%/sent.log sent;
    server { listen 127.0.0.1:%%PORT_tls%% ssl sndbuf=1m; }
    server { listen 127.0.0.1:%%PORT_off%% ssl sndbuf=1m; lingering_close off; }
}
EOC

# ask($port, $uri): a client with little room, when the whole response is with the
# system of the server
sub ask {
    my ($port, $uri) = @_;

    socket my $c, PF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
    setsockopt $c, SOL_SOCKET, SO_RCVBUF, 4096;
    connect $c, pack_sockaddr_in($t->port($port), inet_aton('127.0.0.1')) or die "connect: $!\n";
    IO::Socket::SSL->start_SSL($c, SSL_verify_mode => 0) or die "no TLS\n";
    syswrite $c, "GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    wait_until(sub { grep { m{^\Q$uri\E is sent} } split /^/, $t->read('sent.log') }, 20) or die "$uri was not sent\n";
    return $c;
}

# rest($c): the body of what it gets
sub rest {
    my ($c) = @_;
    my $text = '';

    1 while sysread $c, $text, 65536, length $text;
    return $text =~ s/\A.*?\r\n\r\n//sr;
}

my $c = ask(tls => '/big?1');
is Net::SSLeay::shutdown($c->_get_ssl_object), 0, 'close_notify, and no more';
is length rest($c), length $body, '... the rest comes all the same';

$c = ask(tls => '/big?2');
Net::SSLeay::shutdown($c->_get_ssl_object);
CORE::shutdown $c, 1;
is length rest($c), length $body, 'with the end of the connection behind it';

$c = ask(tls => '/big?3');
syswrite $c, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
is length rest($c), length $body, 'one more request';

$c = ask(tls => '/big?4');
CORE::shutdown $c, 1;
is length rest($c), length $body, 'an end without close_notify';

$c = ask(off => '/big?5');
Net::SSLeay::shutdown($c->_get_ssl_object);
cmp_ok length rest($c), '<', length $body, 'lingering_close off';
done_testing;
