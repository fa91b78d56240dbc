# SPDX-License-Identifier: BSD-2-Clause
#
# OCSP responses of responders: which are sent, who asks how often, and what
# remains of them over failures and reloads.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep time);
use Weir::Test;
use Weir::TLS;
use Weir::OCSP;

need_tls();

my @good = qw(good endless_length);
push @good, qw(chunked interim) if !is_oracle();
my @hostile = qw(stranger other late error garbage large endless slow silent);

my $t = Weir::Test->new;
$t->expect_log(qr/open socket|aborting/) if is_oracle();
my $pki = Weir::TLS->new($t);
my $ocsp = Weir::OCSP->new($pki);
$pki->ca($_) for qw(ca strange);
$pki->issue($_, by => 'ca', responder => $ocsp->url($_, 'ca')) for @good, @hostile, qw(own brief fickle);
$pki->issue($_, by => 'ca', responder => $ocsp->url('good', 'ca')) for qw(revoked unknown file);
$pki->issue('must', by => 'ca', responder => $ocsp->url('good', 'ca'), must_staple => 1);
$pki->issue($_, by => 'ca', responder => $ocsp->url('good', 'ca')) for qw(next new);
$pki->issue('rsa', by => 'ca', kind => 'rsa', responder => $ocsp->url('good', 'ca'));
$pki->issue('name', by => 'ca', responder => $ocsp->url('good', 'ca', 'responder.test'));
$pki->issue('here', by => 'ca', responder => 'http://127.0.0.1:1/');
$pki->issue('loose', by => 'ca', responder => $ocsp->url('stranger', 'ca'));
$pki->issue('apart', by => 'ca', responder => $ocsp->url('good', 'ca'));
$pki->issue('https', by => 'ca', responder => 'https://127.0.0.1/');
my @all = (@good, @hostile, qw(brief fickle revoked unknown must rsa name here loose https next new));
$pki->write("$_.chain", $pki->read("$_.pem") . $pki->read('ca.pem')) for @all;
$pki->revoke('revoked', by => 'ca');
$pki->forget('unknown');
$ocsp->prepare(other => 'good', late => 'late', own => 'own', by => 'ca');

my %more = (
    rsa => 'ssl_certificate %%TESTDIR%%/tls/good.chain; ssl_certificate_key %%TESTDIR%%/tls/good.key;',
    here => "ssl_stapling_responder " . $ocsp->url('good', 'ca') . ";",
    loose => 'ssl_stapling_verify off;',
    name => 'resolver 127.0.0.1:' . Weir::OCSP::name_server() . ';',
);
my $servers = join "\n", map {
    my $more = $more{$_} // '';
    "server { listen 127.0.0.1:%%PORT%% ssl; server_name $_.test; $more"
    . "ssl_certificate %%TESTDIR%%/tls/$_.chain; ssl_certificate_key %%TESTDIR%%/tls/$_.key; return 200 $_; }"
} (grep { !/https|ne[wx]/ } @all);
my $workers = is_oracle() ? 1 : 2; # of nginx, each asks for itself
my $conf = <<"EOC";
worker_processes $workers;
%%HTTP%%
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_stapling on;
    ssl_stapling_verify on;
    ssl_trusted_certificate %%TESTDIR%%/tls/ca.pem;
    $servers
    server {
        listen 127.0.0.1:%%PORT%% ssl; server_name apart.test;
        ssl_certificate %%TESTDIR%%/tls/apart.pem; ssl_certificate_key %%TESTDIR%%/tls/apart.key;
        return 200 apart;
    }
}
EOC
$t->run($conf);

# staple($who, @args): the status that the server sends, '' for none; $serial is
# the number of the certificate that it is about
my $serial;
sub staple {
    my ($who, @args) = @_;
    my $text = s_client($t->port, "GET / HTTP/1.0\r\n\r\n", '-status', '-servername', "$who.test", @args);

    ($serial) = $text =~ /Serial Number: (\w+)/;
    return "broken: $text" if $text !~ /200 OK/;
    return $text =~ /OCSP response: no response sent/ ? '' : $text =~ /Cert Status: (\w+)/ ? $1 : $text;
}

# nginx asks for the first client.
staple($_) for (is_oracle() ? @all : ());
staple('rsa', '-sigalgs', "$_+SHA256", '-tls1_3') for (is_oracle() ? qw(RSA-PSS ECDSA) : ());

wait_until(sub { staple('brief') eq 'good' && staple('fickle') eq 'good' }, 10);
my ($earliest, $latest) = split / /, $pki->read('fickle.once');

SKIP: {
    skip 'nginx asks less often', 3 if is_oracle();
    ok wait_until(sub { $ocsp->asked('brief') >= 2 }, 10), 'a new one is asked for before the old one ends';
    ok wait_until(sub { $ocsp->asked('fickle') >= 2 }, 10), 'which may fail';
    my $old = staple('fickle');
    SKIP: {
        skip 'too late', 1 if time >= $earliest;
        is $old, 'good', 'a response outlives failures';
    }
}
for my $who (@good, qw(must here apart loose), is_oracle() ? () : 'name') {
    ok wait_until(sub { staple($who) eq 'good' }, 10), "$who: a response is sent";
}
is staple('must', '-tls1_2'), 'good', 'by TLS 1.2';
is staple('rsa', '-sigalgs', 'RSA-PSS+SHA256', '-tls1_3'), 'good', 'for one kind of certificate';
is staple('rsa', '-sigalgs', 'ECDSA+SHA256', '-tls1_3'), 'good', 'and for another';
is staple($_), '', "$_: none" for @hostile, qw(revoked unknown);

my $log = join '', $t->log;
like $log, qr/certificate status "revoked" in the OCSP response while requesting certificate status, responder: 127\.0\.0\.1, peer: 127\.0\.0\.1:\d+, certificate: "\S+revoked\.chain"/, 'a revoked one is told';
like $log, qr/certificate status not found in the OCSP response while.*other\.chain/, 'the answer to another question, too';
like $log, qr/OCSP_check_validity\(\) failed.*late\.chain/, 'and one that was in force before';

SKIP: {
    skip 'nginx asks less often', 11 if is_oracle();
    my $asked = $ocsp->asked('chunked');
    is $asked, 1, 'all workers have the response of one question';
    cmp_ok $ocsp->asked('error'), '<', 6, 'questions that fail are not asked all the time';

    $pki->write("must.$_", $pki->read("next.$_")) for qw(chain key);
    my $number = $pki->number('next');
    ok wait_until(sub { staple('must', '-tls1_2') eq 'good' && $serial eq $number }, 10),
        'a certificate that is renewed has its own';

    my $more = $conf =~ s/^    server \{$/    server { listen 127.0.0.1:%%PORT%% ssl; server_name new.test; ssl_certificate %%TESTDIR%%\/tls\/new.chain; ssl_certificate_key %%TESTDIR%%\/tls\/new.key; return 200 new; }\n    server {/mr;
    $t->reload($more);
    ok wait_until(sub { staple('new') eq 'good' }, 10), 'one that comes with a reload';
    is $ocsp->asked('chunked'), 1, 'about the others, nobody asks again';

    $ocsp->backend->stop;
    $t->reload($conf =~ s/ssl_stapling_verify on/ssl_stapling_verify on; ssl_session_timeout 7m/r);
    is staple('chunked'), 'good', 'it outlives a reload';

    my $old_master = $t->pid;
    $t->signal('USR2');
    my $new = $t->new_pid($old_master);
    ok $new, 'a new binary';
    $t->signal('QUIT', $old_master);
    ok wait_until(sub { Weir::Test::slurp("/proc/$old_master/stat") !~ /\) [^ZX] / }, 10), 'the old one is gone';
    is staple('chunked'), 'good', 'a response outlives that, too';
    $t->{pid} = $new;
    $t->{daemon} = 1;
    sleep 0.1 while time < $latest + 1.1;
    is staple('brief'), 'good', 'the new one is sent';
    is staple('fickle'), '', 'the old one no longer than it is in force';
}

# configurations
my ($code, undef, $err);
sub test {
    my ($who, $lines) = @_;

    $t->write('test.conf', $t->expand("%%GLOBALS%%\nevents {}\nhttp {\n%%GLOBALS_HTTP%%\n"
        . "server { listen 127.0.0.1:%%PORT%% ssl; ssl_stapling on; $lines\n"
        . "ssl_certificate tls/$who.chain; ssl_certificate_key tls/$who.key; }\n}\n"));
    ($code, undef, $err) = run_binary('-t', '-p', $t->dir . '/', '-c', 'test.conf');
    return "$code $err";
}
unlike test('good', ''), qr/warn/, 'a configuration';
like test('https', ''), qr{^0 .*\[warn\].*"ssl_stapling" ignored, invalid URL prefix in OCSP responder "https://127.0.0.1/" in the certificate "\S+/https.chain"}s, 'a responder by https';
like test('name', ''), qr{^0 .*\[warn\].*"ssl_stapling" ignored, host not found in OCSP responder "responder.test:\S+ in the certificate}s, 'a name that nobody knows';
unlike test('name', 'resolver 127.0.0.1;'), qr/warn/, 'which is looked up later' if !is_oracle();

done_testing;
