# SPDX-License-Identifier: BSD-2-Clause
#
# api: what is counted of TLS: handshakes, those that fail and why, sessions that
# are resumed, certificates that are refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Weir::Test;
use Weir::TLS;

plan skip_all => 'commercial' if is_oracle();
plan skip_all => 'built without jansson'
    if (run_binary('doc', 'api'))[1] !~ /Syntax/;
need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->ca('other');
$pki->issue('up', by => 'ca', names => ['up.test']);
$pki->issue('stranger', by => 'other', names => ['stranger.test']);
$t->run(<<"EOC");
%%GLOBALS%%
events { }
http {
    %%GLOBALS_HTTP%%
    client_header_timeout 1s;
    ssl_certificate %%TESTDIR%%/tls/up.pem;
    ssl_certificate_key %%TESTDIR%%/tls/up.key;
    server { listen 127.0.0.1:%%PORT%%; location /api { api write=on; allow 127.0.0.1; deny all; }
             location /wrong { proxy_pass https://127.0.0.1:%%PORT_tls%%; proxy_ssl_verify on;
                               proxy_ssl_trusted_certificate %%TESTDIR%%/tls/ca.pem;
                               proxy_ssl_name else.test; } }
    server { listen 127.0.0.1:%%PORT_tls%% ssl; ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;
             return 204; }
    server { listen 127.0.0.1:%%PORT_client%% ssl; ssl_verify_client on;
             ssl_client_certificate %%TESTDIR%%/tls/ca.pem; return 204; }
    server { listen 127.0.0.1:%%PORT_reject%% ssl; ssl_reject_handshake on; }
}
EOC
$t->expect_log(qr/SSL|handshake rejected/);
my $port = $t->port('tls');

sub ssl { return decode_json($t->get('/api/9/ssl')->body) }
sub flat { my ($s) = @_; return (%$s, %{ $s->{verify_failures} }) }

# counts($what, $action, NAME => more, ...): nothing else has changed
sub counts {
    my ($what, $action, %wanted) = @_;
    my %before = flat(ssl());
    my %got;
    $action->();
    my $is = sub {
        my %now = flat(ssl());
        %got = map { ($now{$_} - $before{$_} ? ($_ => $now{$_} - $before{$_}) : ()) }
            grep { !ref $now{$_} } keys %now;
        return encode_json([map { ($_, $got{$_}) } sort keys %got])
            eq encode_json([map { ($_, $wanted{$_}) } sort keys %wanted]);
    };
    ok wait_until($is), $what or diag encode_json(\%got);
}
my $request = "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
my $session = $t->path('session');

counts('a handshake', sub { s_client($port, $request, '-sess_out', $session) }, handshakes => 1);
counts('a session that is resumed', sub { s_client($port, $request, '-sess_in', $session) },
       handshakes => 1, session_reuses => 1);
counts('another protocol', sub { s_client($port, $request, '-tls1_3') },
       handshakes_failed => 1, no_common_protocol => 1);
counts('other ciphers', sub { s_client($port, $request, '-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384') },
       handshakes_failed => 1, no_common_cipher => 1);
counts('a client that does not trust it', sub { s_client($port, $request, '-verify_return_error', '-CAfile',
                                                         $pki->path('other.pem')) },
       handshakes_failed => 1, peer_rejected_cert => 1);
counts('what is no TLS', sub { my $c = $t->connect(port => $port); $c->send("\x16\x03\x01\x00\x05hello"); $c->read_all },
       handshakes_failed => 1);
{
    my $c;
    counts('one that does not go on', sub { $c = $t->connect(port => $port); $c->send("\x16\x03\x01\x02") },
           handshakes_failed => 1, handshake_timeout => 1);
}
counts('one that leaves within its ClientHello', sub { my $c = $t->connect(port => $port);
                                                      $c->send("\x16\x03\x01\x02"); $c->close },
       handshakes_failed => 1);
counts('one that sends nothing', sub { my $c = $t->connect(port => $port); $c->close });
counts('ssl_reject_handshake', sub { s_client($t->port('reject'), $request) }, handshakes_failed => 1);
my $client = $t->port('client');
counts('no certificate', sub { s_client($client, $request) }, handshakes => 1, no_cert => 1);
counts('that of another authority', sub { s_client($client, $request, '-cert', $pki->path('stranger.pem'),
                                                   '-key', $pki->path('stranger.key')) },
       handshakes => 1, other => 1);
counts('one that is trusted', sub { s_client($client, $request, '-cert', $pki->path('up.pem'),
                                             '-key', $pki->path('up.key')) }, handshakes => 1);
counts('an upstream with another name', sub { is $t->get('/wrong')->status, 502, 'refused' },
       handshakes => 1, hostname_mismatch => 1);
is $t->request('DELETE', '/api/9/ssl')->status, 204, 'deleted';
my %left = flat(ssl());
is join(' ', grep { !ref $left{$_} && $left{$_} } sort keys %left), '', '... all is 0';
is_deeply decode_json($t->get('/api/9/ssl?fields=handshakes')->body), { handshakes => 0 }, 'a field';

done_testing;
