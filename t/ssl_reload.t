# SPDX-License-Identifier: BSD-2-Clause
#
# TLS over a reload: new certificates are served, bad ones are not taken, what
# was open goes on, and nobody keeps what he should not have any more.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Open2;
use Weir::Test;
use Weir::TLS;

need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue($_, by => 'ca') for qw(first second joe);
sub install {
    my ($name) = @_;
    $pki->write("live.$_", $pki->read("$name.$_")) for qw(pem key);
}
install('first');

my $conf = <<'EOC';
worker_processes 2;
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/live.pem;
    ssl_certificate_key %%TESTDIR%%/tls/live.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:S:200k;
    upstream self { server 127.0.0.1:%%PORT_tls%%; keepalive 4; }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name a.test;
        VERIFY
        location / { return 200 "a $ssl_session_reused $connection_requests\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_http_version 1.1;
        proxy_set_header Host a.test;
        proxy_set_header Connection "";
        location / { proxy_pass https://self; }
    }
}
EOC
sub with { return $conf =~ s/VERIFY/$_[0]/r }
$t->run(with(''));
my $port = $t->port('tls');

sub subject {
    my $text = s_client($port, "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n", '-servername', 'a.test', @_);
    return $text =~ /^subject=.*CN = (\S+)/m ? $1 : $text;
}

# open_client(): one that stays connected; ask($client): its next answer.
sub open_client {
    my @args = ('-connect', "127.0.0.1:$port", '-servername', 'a.test',
                '-cert', $pki->path('joe.pem'), '-key', $pki->path('joe.key'));
    my $pid = open2(my $out, my $in, 'sh', '-c', "exec openssl s_client -quiet @args 2>/dev/null");
    return { pid => $pid, in => $in, out => $out };
}

sub ask {
    my ($c) = @_;
    my $text = '';

    syswrite $c->{in}, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
    local $SIG{ALRM} = sub { die "time is over\n" };
    my $left = alarm 10;
    eval { 1 while $text !~ /\r\n\r\n.+\n/s && sysread $c->{out}, $text, 4096, length $text };
    alarm $left;
    return $text;
}

is subject(), 'first.test', 'a certificate';
my $open = open_client();
like ask($open), qr/^a . 1$/m, 'a connection';
is subject('-sess_out', $t->path('session'), '-tls1_2'), 'first.test', 'a session';
is $t->get('/')->status, 200, 'an upstream';

install('second');
is subject(), 'first.test', 'the file is another one' if is_oracle(); # weir may have seen it
$t->reload;
is subject(), 'second.test', 'which a reload takes';
if (lives_on()) {
    like ask($open), qr/^a . 2$/m, 'the connection goes on';
}
is $t->get('/')->status, 200, 'the upstream, too';
like s_client($port, "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n", '-servername', 'a.test', '-tls1_2',
              '-sess_in', $t->path('session')), qr/^a [r.] 1$/m, 'the session is resumed, or another made';

$pki->write('live.key', $pki->read('first.key'));
$t->signal('HUP');
ok wait_until(sub { $t->read('error.log') =~ /key values mismatch/ }), 'a key that does not fit is refused';
is subject(), 'second.test', 'and the pair before it stays';
unlike $t->read('error.log'), qr/BEGIN/, 'no key in the log';
install('second');

$t->conf(with('ssl_verify_client on; ssl_client_certificate %%TESTDIR%%/tls/ca.pem;'));
$t->reload;
my $fresh = open_client();
like ask($fresh), qr/^a . 1$/m, 'verified from now on: with a certificate';
like ask($open), qr/^HTTP\/1.1 421 /m, 'the connection that was not verified has to go' if lives_on();
like s_client($port, "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n", '-servername', 'a.test', '-tls1_2',
              '-sess_in', $t->path('session')), qr/400 No required SSL certificate/, 'the session does not help';
is $t->get('/')->status, 400, 'nor does an idle connection of an upstream' if !is_oracle();

if (lives_on()) {
    my $c = open_client();
    ask($c);
    $t->reload for 1 .. 3;
    like ask($c), qr/^a . 2$/m, 'verified once, kept over reloads that change nothing';
    kill 'TERM', $c->{pid};
}
kill 'TERM', $_->{pid} for $open, $fresh;
$t->expect_log(qr/key values mismatch/);
done_testing;
