# SPDX-License-Identifier: BSD-2-Clause
#
# ssl_async: RSA keys are used by threads, in all kinds of handshakes; and what
# happens meanwhile: clients leave, time is over, the configuration changes, the
# server ends.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use List::Util qw(sum0);
use Socket qw(SOL_SOCKET SO_LINGER);
use Weir::Test;
use Weir::TLS;

need_tls();
need_module('threads');
plan(skip_all => 'a directive of weir') if is_oracle();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue('joe', by => 'ca');
$pki->issue('ec');
$pki->issue('small', kind => 'rsa');
$pki->issue('large', kind => 'rsa4096');
# Workers read these.
$pki->write("own-$_.pem", $pki->read("$_.pem") . $pki->read("$_.key")) for qw(small large ec);

sub certificate { return "ssl_certificate %%TESTDIR%%/tls/$_[0].pem; ssl_certificate_key %%TESTDIR%%/tls/$_[0].key;" }
my ($small, $large, $ec) = map { certificate($_) } qw(small large ec);

sub server {
    my ($name, $lines) = @_;
    return <<"EOS";
    server {
        listen 127.0.0.1:%%PORT_$name%% ssl;
        $lines
        return 200 "\$ssl_cipher \$ssl_session_reused \$ssl_client_verify [\$ssl_early_data]\\n";
    }
EOS
}

my $head = <<'EOC';
worker_processes 1;
thread_pool other threads=3;
thread_pool one threads=1;
thread_pool none threads=1 max_queue=0;
%%HTTP%%
    ssl_async threads=other;
    ssl_early_data on;
    client_header_timeout 300s;
EOC
my $conf = $head
    . server(ec => $ec)
    . server(off => "$small ssl_async off;")
    . server(full => "$small ssl_async threads=none;")
    . server(small => $small)
    . server(large => $large)
    . server(both => "$small $ec ssl_ecdh_curve prime256v1;")
    . server(named => 'ssl_certificate %%TESTDIR%%/tls/own-$ssl_server_name.pem;'
           . ' ssl_certificate_key %%TESTDIR%%/tls/own-$ssl_server_name.pem;')
    . server(verify => "$small ssl_verify_client optional; ssl_client_certificate %%TESTDIR%%/tls/ca.pem;"
           . ' ssl_session_tickets off; ssl_session_cache shared:S:200k;')
    . server(slow => "$large ssl_async threads=one;")
    . server(crowd => "$small ssl_async threads=one;")
    . server(impatient => "$large ssl_async threads=one; client_header_timeout 20ms;") . "}\n";
$t->run($conf);

my $get = "GET / HTTP/1.0\r\n\r\n";
my @new = qw(-tls1_2 -cipher ECDHE+aRSA:ECDHE+aECDSA);
my @old = qw(-tls1_2 -cipher AES128-GCM-SHA256); # RSA key exchange

# answer($server, @args): cipher, reused, verified, early
sub answer {
    my ($server, @args) = @_;
    my $text = s_client($t->port($server), $get, @args);
    return $text =~ /^(\S+ \S \S+ \[1?\])$/m ? $1 : $text;
}

# threads($t): of its worker
sub threads {
    my ($pid) = ($_[0] // $t)->worker_pids;
    my @tasks = glob "/proc/$pid/task/*";
    return scalar @tasks;
}


# ---- without clients that misbehave --------------------------------------------

like answer('off'), qr/^TLS_/, 'off';
my $bare = threads();
like answer('ec'), qr/^TLS_/, 'a key that is not RSA';
is threads(), $bare, 'these need no threads';
like answer('full', @new), qr/^ECDHE/, 'a pool whose queue is full';
like answer('full', @old), qr/^AES128/, '... with RSA key exchange';
ok $t->wait_log(qr/thread pool "none" queue overflow/), 'which is logged';
is threads(), $bare + 1, 'and done without it';

# spent(): the time of a processor that its threads have had so far, in ms
sub spent {
    my ($pid) = $t->worker_pids;

    return sum0(map { (split ' ', Weir::Test::slurp("$_/schedstat"))[0] / 1e6 } grep { !/\b$pid\z/ }
        glob "/proc/$pid/task/*");
}

for my $server (qw(small large)) {
    my ($least, $before) = ($server eq 'large' ? 0.8 : 0.2, spent());
    my $by_thread = sub {
        my $ms = spent() - $before;
        cmp_ok $ms, '>', $least, "... signed by a thread ($ms ms)";
        $before += $ms;
    };
    like answer($server), qr/^TLS_/, "$server: TLS 1.3";
    is threads(), $bare + 4, 'there are threads';
    $by_thread->();
    like answer($server, @new), qr/^ECDHE-RSA/, "$server: TLS 1.2";
    $by_thread->();
    like answer($server, @old), qr/^AES128/, "$server: RSA key exchange";
    $by_thread->();
    like answer($server, qw(-sigalgs RSA+SHA256), @new), qr/^ECDHE-RSA/, "$server: PKCS #1";
    $by_thread->();
}
like answer('both', qw(-tls1_2 -cipher ECDHE+aECDSA)), qr/^ECDHE-ECDSA/, 'both kinds of keys: ECDSA';
like answer('both', qw(-tls1_2 -cipher ECDHE+aRSA)), qr/^ECDHE-RSA/, 'both kinds of keys: RSA';
like answer('both', qw(-tls1_3 -groups X25519:P-256 -sigalgs RSA-PSS+SHA256)), qr/^TLS_/,
    'another group is asked for (HelloRetryRequest)';
like answer('named', '-servername', $_), qr/^TLS_/, "named by a variable: $_" for qw(small large ec);
like answer('named', '-servername', 'small', @old), qr/^AES128/, 'named by a variable: RSA key exchange';
unlike answer('named', '-servername', 'nobody'), qr/^TLS_/, 'named by a variable: none';

for my $args ([qw(-tls1_3)], \@new, \@old) {
    for my $server (qw(large verify)) {
        my $file = $t->path('session');
        my @joe = $server eq 'verify' ? ('-cert', $pki->path('joe.pem'), '-key', $pki->path('joe.key')) : ();
        my $verified = @joe ? 'SUCCESS' : 'NONE';
        like answer($server, @$args, @joe, '-sess_out', $file), qr/ \. $verified /, "@$args: $server";
        like answer($server, @$args, '-sess_in', $file), qr/ r $verified /, "@$args: $server, resumed";
    }
    like answer('verify', @$args), qr/ \. NONE /, "@$args: no certificate";
}

my $session = $t->path('early');
$t->write('request', $get);
answer('large', '-tls1_3', '-sess_out', $session);
my @early = ('-tls1_3', '-sess_in', $session, '-early_data', $t->path('request'));
like s_client($t->port('large'), '', @early), qr/^TLS_\S+ r NONE \[1\]$/m, 'early data';


# ---- clients that leave ----------------------------------------------------------

# hello(@args): what openssl s_client sends first
sub hello {
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        s_client($listen->sockport, '', @_);
        POSIX::_exit(0);
    }
    my $c = $listen->accept;
    sysread $c, my $bytes, 16384;
    close $c;
    waitpid $pid, 0;
    return $bytes;
}

# begin($server, $hello, $n, $t): connections that have sent that
sub begin {
    my ($server, $hello, $n, $of) = @_;
    my @all = map {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . ($of // $t)->port($server), Timeout => 10)
            or die "connect: $!\n"
    } 1 .. $n;
    syswrite $_, $hello for @all;
    return @all;
}

# flight($c, $least): what has come when it is that much (1000), or the end
sub flight {
    my ($c, $least) = @_;
    my $text = '';

    vec(my $set = '', fileno $c, 1) = 1;
    1 while length $text < ($least // 1000) && select(my $ready = $set, undef, undef, Weir::Test::slow(60))
        && sysread $c, $text, 16384, length $text;
    return $text;
}

# leave(@all): every other one with a reset
sub leave {
    my (@all) = @_;
    for my $i (0 .. $#all) {
        setsockopt $all[$i], SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) if $i % 2;
        close $all[$i];
    }
}

$SIG{PIPE} = 'IGNORE'; # some are closed before they have sent anything
my %hello = (new => hello('-tls1_3'), ecdhe => hello(@new), old => hello(@old));
for my $kind (qw(new ecdhe)) {
    leave(begin('slow', $hello{$kind}, 40));
    like answer('slow'), qr/^TLS_/, "$kind: many have left";
}

# A ClientKeyExchange that no key has made; then they leave as before.
my @old_ones = begin('slow', $hello{old}, 20);
flight($_) for @old_ones;
my $exchange = "\x16\3\3\2\6\x10\0\2\2\2\0" . "\0" . "\x55" x 511;
syswrite $_, $exchange for @old_ones;
my @rest = splice @old_ones, 10;
leave(@old_ones);
like answer('slow', @old), qr/^AES128/, 'old: many have left';
syswrite $_, "\x14\3\3\0\1\1\x16\3\3\0\x28" . 'x' x 40 for @rest;
is scalar(grep { flight($_, 65536) =~ /\x15\x03\x03\x00\x02\x02\x14\z/ } @rest), 10, '... the others learn nothing (bad_record_mac)';

# More than are given to threads at a time.
my @many = begin('crowd', $hello{ecdhe}, 300);
is scalar(grep { length flight($_) >= 1000 } @many), 300, 'as many as come are served';
leave(@many);

# They would stay, and it is too late before a thread has time for most of them.
for my $kind (qw(new ecdhe)) {
    my @all = begin('impatient', $hello{$kind}, 60);
    my $unserved = grep { flight($_) eq '' } @all;
    cmp_ok $unserved, '>', 0, "$kind: closed while a thread has not come to them";
}
like answer('slow'), qr/^TLS_/, 'and the thread serves others';


# ---- a reload, and the end -------------------------------------------------------

my @during = begin('slow', $hello{new}, 30);
ok $t->reload($conf =~ s/thread_pool one threads=1/thread_pool one threads=2/r), 'a reload with another pool';
is scalar(grep { length flight($_) >= 1000 } @during), 30, 'what was under way ends well';
leave(@during);

@during = begin('slow', $hello{new}, 30);
$pki->write("large.$_", $pki->read("small.$_")) for qw(key pem);
ok $t->wait_log(qr/certificate "\S+large.pem" .* has changed and is used from now on/), 'a renewed certificate';
is scalar(grep { length flight($_) >= 1000 } @during), 30, 'what was under way ends well';
leave(@during);
like answer('slow'), qr/^TLS_/, 'and the new one is used';

# From off to threads, back, and on to threads: in the same process.
my $second = Weir::Test->new;
$second->write("tls/$_", $pki->read($_)) for qw(small.pem small.key);
my $single = $head . server(one => "$small SAYS") . "}\n";
$second->run($single =~ s/SAYS/ssl_async off;/r);
like s_client($second->port('one'), $get), qr/^TLS_/m, 'off';
my $before = threads($second);
$second->reload($single =~ s/SAYS//r);
# Its tickets are for other servers: early data comes, and a whole handshake.
like s_client($second->port('one'), $get, @early), qr/^TLS_\S+ \. NONE \[\]$/m, 'on, by a reload';
is threads($second), $before + 3, 'threads' if lives_on();
$second->reload($single =~ s/SAYS/ssl_async off;/r);
like s_client($second->port('one'), $get), qr/^TLS_/m, 'off again';

my @last = begin('impatient', $hello{ecdhe}, 30);
push @last, begin('slow', $hello{new}, 30);
$t->signal('QUIT');
leave(@last);
is $t->stop, 0, 'the end, gracefully';

$second->reload($single =~ s/SAYS//r =~ s/worker_processes 1/worker_processes 1; worker_shutdown_timeout 50ms/r);
@last = begin('one', $hello{new}, 60, $second);
is $second->stop('QUIT'), 0, 'the end, with a limit to its time';
my $third = Weir::Test->new;
$third->write("tls/$_", $pki->read($_)) for qw(small.pem small.key);
$third->run($single =~ s/SAYS//r);
@last = begin('one', $hello{new}, 60, $third);
is $third->stop('TERM'), 0, 'the end, at once';


# ---- the directive ---------------------------------------------------------------

like conf_test("events {} http { ssl_async threads=nowhere; }\n")->{err},
    qr/\[emerg\] unknown thread pool "nowhere" in /, 'an unknown pool';
like conf_test("events {} http { ssl_async on; }\n")->{err},
    qr/\[emerg\] invalid value "on" in "ssl_async" directive/, 'another word';
done_testing;
