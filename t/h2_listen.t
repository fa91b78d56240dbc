# SPDX-License-Identifier: BSD-2-Clause
#
# listen ... http2, which was the way before the directive http2: HTTP/2 in clear
# and over TLS, for all servers of the address.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2;
use Weir::Test;
use Weir::TLS;

need_module('http_v2');
need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue('a', by => 'ca', names => ['a.test']);
$t->run(<<'EOC');
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%% http2;
        server_name a.test;
        return 200 "a $server_protocol";
    }
    server {
        listen 127.0.0.1:%%PORT%% http2;
        server_name b.test;
        return 200 "b $server_protocol";
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl http2;
        ssl_certificate %%TESTDIR%%/tls/a.pem;
        ssl_certificate_key %%TESTDIR%%/tls/a.key;
        return 200 "tls $server_protocol";
    }
    server {
        listen 127.0.0.1:%%PORT_none%%;
        return 200 "none $server_protocol";
    }
}
EOC

sub asked {
    my ($port, $name, %opt) = @_;
    my $c = Weir::H2->new(port => $port, %opt);

    return $c->get('/', authority => $name)->{body};
}

is asked($t->port, 'a.test'), 'a HTTP/2.0', 'in clear';
is asked($t->port, 'b.test'), 'b HTTP/2.0', 'another server of the address';
is asked($t->port('tls'), 'a.test', tls => 1), 'tls HTTP/2.0', 'over TLS';
is asked($t->port('none'), 'a.test'), '', 'not where nobody said so';
is $t->get('/', host => 'a.test')->body, 'a HTTP/1.1', 'beside HTTP/1'
    if !is_oracle();

done_testing;
