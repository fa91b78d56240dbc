# SPDX-License-Identifier: BSD-2-Clause
#
# Certificates that clients take only with an OCSP response (must-staple): the first
# handshakes wait for it, for a few seconds at most, and nobody else does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time);
use Weir::Test;
use Weir::TLS;
use Weir::OCSP;

need_tls();
plan(skip_all => 'nginx has no response for the first client') if is_oracle();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
my $ocsp = Weir::OCSP->new($pki);
$pki->ca('ca');
my %kinds = (must => 'patient', other => 'patient', deaf => 'silent', wrong => 'error', next => 'patient');
for my $name (sort keys %kinds) {
    $pki->issue($name, by => 'ca', responder => $ocsp->url($kinds{$name}, 'ca'), must_staple => $name ne 'other');
    $pki->write("$name.chain", $pki->read("$name.pem") . $pki->read('ca.pem'));
}
my $servers = join "\n", map {
    "server { listen 127.0.0.1:%%PORT%% ssl; server_name $_.test;"
    . "ssl_certificate %%TESTDIR%%/tls/$_.chain; ssl_certificate_key %%TESTDIR%%/tls/$_.key; return 200 $_; }"
} qw(must other deaf wrong);
$t->run(<<"EOC");
worker_processes 2;
%%HTTP%%
    ssl_stapling on;
    ssl_stapling_verify on;
    ssl_trusted_certificate %%TESTDIR%%/tls/ca.pem;
    server { listen 127.0.0.1:%%PORT_status%%; stub_status; }
    $servers
}
EOC

# status($who, @args): of the certificate, as the server says; '' for nothing, and
# undef where no response to the request came
sub status {
    my ($who, @args) = @_;
    my $text = s_client($t->port, "GET / HTTP/1.0\r\n\r\n", '-status', '-servername', "$who.test", @args);

    return undef if $text !~ /200 OK/;
    return $text =~ /OCSP response: no response sent/ ? '' : $text =~ /Cert Status: (\w+)/ ? $1 : $text;
}

# later($who, @args): a function that has it, of a client that begins now
sub later {
    my @args = @_;
    my $pid = open(my $out, '-|') // die "fork: $!\n";

    if (!$pid) {
        print status(@args) // 'broken';
        close STDOUT;
        POSIX::_exit(0);
    }
    return sub { local $/; my $text = <$out>; close $out; return $text };
}

sub active { return $t->get('/', port => $t->port('status'))->body =~ /^Active connections: (\d+)/ ? $1 - 1 : 0 }


# A responder that is silent is given 30 seconds, and clients wait for three.
my $begun = time;
is status('deaf'), '', 'no response, and the handshake goes on';
cmp_ok time - $begun, '>', 2, '... after a few seconds';

ok wait_until(sub { $ocsp->asked('patient') >= 2 }, 20), 'the responder is asked from the start on';
is status('other'), '', 'another certificate: nobody waits';
like s_client($t->port, "GET / HTTP/1.0\r\n\r\n", '-servername', 'must.test'), qr/200 OK/,
    'nor does a client that has not asked for a response';
my @waiting = map { later('must', $_) } qw(-tls1_3 -tls1_3 -tls1_2 -tls1_2);
wait_until(sub { active() >= 4 }, 20);
$pki->write('patient.go', '');
is $_->(), 'good', 'who comes first has a response' for @waiting;
ok wait_until(sub { status('other') eq 'good' }, 20), 'the other one has one, too';
is $ocsp->asked('patient'), 2, 'each was asked about once';

ok $t->wait_log(qr/wrong\.chain/), 'a response that is none';
is status('wrong'), '', 'and nobody waits for another one';

# One that is renewed has none at first.
unlink $pki->path('patient.go');
my $before = $ocsp->asked('patient');
$pki->write("must.$_", $pki->read("next.$_")) for qw(chain key);
ok wait_until(sub { $ocsp->asked('patient') > $before }, 20), 'a renewed certificate';
@waiting = map { later('must', $_) } qw(-tls1_3 -tls1_2);
wait_until(sub { active() >= 2 }, 20);
$pki->write('patient.go', '');
is $_->(), 'good', '... has a response, too' for @waiting;

# lint($who, $lines): what it says of a server with that certificate
sub lint {
    my ($who, $lines) = @_;
    my $file = $pki->path("$who.chain");

    return conf_test("events {}\nhttp { server { listen 127.0.0.1:%%PORT%% ssl; server_name $who.test; $lines"
        . " ssl_certificate $file; ssl_certificate_key " . ($file =~ s/chain/key/r) . "; } }\n", args => ['--lint'])->{err};
}
like lint('deaf', ''), qr/clients do not take the certificate \(must-staple\) without an OCSP response, and none is sent/,
    'lint: no response is sent';
unlike lint('deaf', 'ssl_stapling on;'), qr/must-staple/, '... but with ssl_stapling';
unlike lint('other', ''), qr/must-staple/, '... and not for others';

# They wait while the server ends.
my @late = map { later('deaf') } 1 .. 2;
wait_until(sub { active() >= 2 }, 20);
is $t->stop('QUIT'), 0, 'the end, gracefully';
is $_->(), '', 'who waited is still served' for @late;
done_testing;
