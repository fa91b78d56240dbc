# SPDX-License-Identifier: BSD-2-Clause
#
# Certificates and other files of TLS that change while the server runs: new
# handshakes use them without a reload, whichever way they were replaced, and
# what does not fit is not used.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IPC::Open2;
use Weir::Test;
use Weir::TLS;

need_tls();
plan(skip_all => 'nginx needs a reload') if is_oracle();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca($_) for qw(ca other);
$pki->issue($_, by => 'ca', names => ["$_.test", 'pod.test']) for qw(one two three four);
$pki->issue($_, by => 'ca') for qw(joe ann);
$pki->issue('max', by => 'other');
my $dir = $t->path('tls');

# put($name, $from): writes NAME.pem and NAME.key in place, as they are for $from.
sub put {
    my ($name, $from) = @_;
    $pki->write("$name.$_", $pki->read("$from.$_")) for qw(pem key);
}

# version($n, $from): what Kubernetes does for a secret: a folder of its own, and
# a link to it that is swapped.
sub version {
    my ($n, $from) = @_;
    my $to = $t->mkdir("secret/..$n");
    for my $kind (qw(pem key)) {
        open my $out, '>', "$to/tls.$kind" or die "$to: $!\n";
        print $out $pki->read("$from.$kind");
        close $out;
    }
    symlink "..$n", $t->path('secret/..tmp') or die "symlink: $!\n";
    rename $t->path('secret/..tmp'), $t->path('secret/..data') or die "rename: $!\n";
}
$t->mkdir('secret');
version(1, 'one');
symlink "..data/tls.$_", $t->path("secret/tls.$_") for qw(pem key);
put('live', 'one');
put('shown', 'joe');
$pki->write('ticket', 't' x 80);
$pki->write('trust.pem', $pki->read('ca.pem'));
$pki->write('known.pem', $pki->read('ca.pem'));
$pki->crl('ca');
chmod 0600, $pki->path('live.key');

my $conf = <<'EOC';
worker_processes 2;
WATCH
%%HTTP%%
    ssl_session_cache shared:S:200k;
    upstream self { server 127.0.0.1:%%PORT_tls%%; keepalive 4; }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name live.test;
        ssl_certificate %%TESTDIR%%/tls/live.pem;
        ssl_certificate_key %%TESTDIR%%/tls/live.key;
        location / { return 200 "$connection_requests\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name pod.test;
        ssl_certificate %%TESTDIR%%/secret/tls.pem;
        ssl_certificate_key %%TESTDIR%%/secret/tls.key;
        ssl_client_certificate %%TESTDIR%%/tls/known.pem;
        ssl_crl %%TESTDIR%%/tls/ca.crl;
        ssl_verify_client optional;
        location / { return 200 "$ssl_client_verify $ssl_client_s_dn $connection_requests\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name ticket.test;
        ssl_session_cache off;
        ssl_certificate %%TESTDIR%%/tls/one.pem;
        ssl_certificate_key %%TESTDIR%%/tls/one.key;
        ssl_session_ticket_key %%TESTDIR%%/tls/ticket;
        location / { return 200 "reused $ssl_session_reused\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_http_version 1.1;
        proxy_set_header Host pod.test;
        proxy_set_header Connection "";
        proxy_ssl_name pod.test;
        proxy_ssl_certificate %%TESTDIR%%/tls/shown.pem;
        proxy_ssl_certificate_key %%TESTDIR%%/tls/shown.key;
        location / { proxy_pass https://self; }
        location /verified {
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate %%TESTDIR%%/tls/trust.pem;
            proxy_pass https://127.0.0.1:%%PORT_tls%%;
        }
        proxy_ssl_server_name on;
    }
}
EOC
sub with { return $conf =~ s/WATCH/$_[0]/r }
$t->run(with(''));
my $port = $t->port('tls');

# subject($name, @args): of the certificate that a handshake gets.
sub subject {
    my ($name, @args) = @_;
    my $text = s_client($port, "GET / HTTP/1.0\r\nHost: $name.test\r\n\r\n",
                        '-servername', "$name.test", @args);
    return $text =~ /^subject=.*CN = (\S+)/m ? $1 : $text;
}

sub becomes {
    my ($name, $wanted, $what) = @_;
    my $got;
    wait_until(sub { ($got = subject($name)) eq $wanted });
    is $got, $wanted, $what;
}

# answer($name, @args): what the server says to a client that has these.
sub answer {
    my ($name, @args) = @_;
    my $text = s_client($port, "GET / HTTP/1.0\r\nHost: $name.test\r\n\r\n",
                        '-servername', "$name.test", @args);
    return $text =~ /\r\n\r\n(.*\n)/ ? $1 : $text;
}
sub as { return map { ($_ eq 'pem' ? '-cert' : '-key', $pki->path("$_[0].$_")) } qw(pem key) }

# logged($re): waits for a line.
sub logged {
    my ($re, $what) = @_;
    ok wait_until(sub { $t->read('error.log') =~ $re }), $what;
}

# ---- one after another ------------------------------------------------------

is subject('live'), 'one.test', 'the certificate of the start';
my @command = ('timeout', Weir::Test::slow(60), 'openssl', 's_client', '-quiet',
               '-connect', "127.0.0.1:$port", '-servername', 'pod.test', as('joe'));
my $pid = open2(my $out, my $in, 'sh', '-c', "exec @command 2>/dev/null");
sub ask {
    my $text = '';
    syswrite $in, "GET / HTTP/1.1\r\nHost: pod.test\r\n\r\n";
    while ($text !~ /\r\n\r\n.+\n/s && IO::Select->new($out)->can_read(Weir::Test::slow(10))) {
        sysread $out, $text, 4096, length $text or last;
    }
    return $text;
}
like ask(), qr/^SUCCESS CN=joe.test 1$/m, 'a connection that lives through it all';

put('live', 'two');
becomes('live', 'two.test', 'written to in place');
logged(qr{\[notice\] .*certificate "\Q$dir\E/live.pem" with key "\Q$dir\E/live.key" has changed and is used},
       'with a notice');

put('next', 'three');
rename $pki->path("next.$_"), $pki->path("live.$_") for qw(key pem);
becomes('live', 'three.test', 'renamed over');

version(2, 'two');
becomes('pod', 'two.test', 'a link on the way was swapped');
version(3, 'four');
becomes('pod', 'four.test', 'and again');

# ---- what is not good --------------------------------------------------------

$pki->write('live.key', $pki->read('one.key'));
logged(qr{\[error\] .*"\Q$dir\E/live.pem" with key "\Q$dir\E/live.key" has changed and cannot be used, .*key values mismatch},
       'a key that does not fit');
is subject('live'), 'three.test', 'is not used';
$pki->write('live.pem', $pki->read('one.pem'));
becomes('live', 'one.test', 'but is when its certificate follows');

$pki->write('live.pem', "-----BEGIN CERTIFICATE-----\nnonsense\n");
logged(qr{live.pem" with .*cannot load certificate "\Q$dir\E/live.pem": PEM_read}, 'nonsense');
unlink $pki->path('live.pem');
logged(qr{live.pem" is not there any more}, 'nothing');
is subject('live'), 'one.test', 'the one before stays';
$pki->write('known.pem', 'nonsense');
logged(qr{"\Q$dir\E/known.pem" has changed and cannot be used, what was read before stays in use: .*no start line},
       'no authorities');
like answer('pod', as('ann')), qr/^SUCCESS CN=ann.test/, 'those before stay';
put('live', 'two');
becomes('live', 'two.test', 'good ones again');

# ---- clients -----------------------------------------------------------------

like answer('pod', as('max')), qr/^400|^<html>/, 'a client of another authority';
$pki->write('known.pem', $pki->read('other.pem') . $pki->read('ca.pem'));
$pki->crl('other');
$pki->write('ca.crl', $pki->read('other.crl') . $pki->read('ca.crl'));
ok wait_until(sub { answer('pod', as('max')) =~ /^SUCCESS CN=max.test/ }), 'who is trusted later';
$pki->revoke('ann', by => 'ca');
$pki->crl('ca');
$pki->write('ca.crl', $pki->read('other.crl') . $pki->read('ca.crl'));
ok wait_until(sub { answer('pod', as('ann')) !~ /^SUCCESS/ }), 'who is revoked later';
like ask(), qr/^SUCCESS CN=joe.test 2$/m, 'the connection that was verified before goes on';
$t->reload;
like ask(), qr/^HTTP\/1.1 421 /m, 'until a reload' if lives_on();
kill 'TERM', $pid;
waitpid $pid, 0;

my @session = ('-tls1_2', '-sess_in', $t->path('session'));
answer('ticket', '-tls1_2', '-sess_out', $t->path('session'));
is answer('ticket', @session), "reused r\n", 'a ticket';
$pki->write('ticket', 'u' x 80);
ok wait_until(sub { answer('ticket', @session) eq "reused .\n" }), 'and after another key for tickets';
$pki->write('ticket', 'u' x 79);
logged(qr{ticket" has changed and cannot be used.*must be 48 or 80 bytes}, 'no key for tickets');
$pki->write('ticket', 'u' x 80);

# ---- upstreams ---------------------------------------------------------------

like $t->get('/')->body, qr/^SUCCESS CN=joe.test/, 'what the upstream is shown';
put('shown', 'max');
ok wait_until(sub { $t->get('/')->body =~ /^SUCCESS CN=max.test/ }), 'later something else';
ok wait_until(sub { $t->get('/verified')->status == 200 }), 'who vouches for it';
$pki->write('trust.pem', $pki->read('other.pem'));
ok wait_until(sub { $t->get('/verified')->status == 502 }), 'later somebody else';

# ---- processes ---------------------------------------------------------------

my @old = $t->worker_pids;
kill 'KILL', @old;
ok wait_until(sub { my @now = $t->worker_pids; @now == 2 && !grep { my $n = $_; grep { $n == $_ } @old } @now }),
    'other workers';
is subject('live'), 'two.test', 'have what those before them had';
put('live', 'three');
becomes('live', 'three.test', 'and are told, too');
$t->reload;
is subject('live'), 'three.test', 'a reload changes nothing';
put('live', 'four');
becomes('live', 'four.test', 'nor for what comes later');

# ---- switched off, and without the kernel's word --------------------------------

$t->conf(with('ssl_certificate_watch off;'));
$t->reload;
put('live', 'one');
$t->conf(with('ssl_certificate_watch poll=200ms;'));
sleep 1;
is subject('live'), 'four.test', 'not when it is switched off';
$t->reload;
is subject('live'), 'one.test', 'a reload it takes';
my %open;
for my $kind (qw(pem key)) { # the kernel tells of it when a file is closed
    open $open{$kind}, '+<', $pki->path("live.$kind") or die "$!\n";
    truncate $open{$kind}, 0;
    syswrite $open{$kind}, $pki->read("two.$kind");
}
becomes('live', 'two.test', 'the files are looked at, too');

unlike $t->read('error.log'), qr/PRIVATE|BEGIN/, 'no key in the log';
is conf_test("ssl_certificate_watch maybe;\nevents {}\n")->{first},
    'invalid value "maybe" in "ssl_certificate_watch" directive, it must be "on", "off" or '
    . '"poll=time" in F:1', 'a bad value';
$t->expect_log(qr/cannot be used/, qr/exited on signal 9/, qr/certificate verify error/);
done_testing;
