# SPDX-License-Identifier: BSD-2-Clause
#
# ssl_idle_sleep: what TLS holds for idle connections is packed, and they go on as
# if it had not been, whatever happens to them next.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IPC::Open2;
use Time::HiRes qw(sleep);
use Weir::H2;
use Weir::Processes qw(children);
use Weir::Test;
use Weir::TLS;

need_tls();
plan skip_all => 'a directive of weir' if is_oracle();
plan skip_all => 'no IO::Socket::SSL: sh auto/deps test installs it'
    if !eval { require IO::Socket::SSL; require Net::SSLeay; 1 };

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue($_, by => 'ca') for qw(a client);
$pki->issue('rsa', kind => 'rsa2048');
my $conf = <<'EOC';
worker_processes 1;
ssl_idle_sleep 50ms;
thread_pool other threads=2;
%%GLOBALS%%
events { worker_connections 1024; }
http {
    %%GLOBALS_HTTP%%
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_early_data on;
    client_body_buffer_size 128k;
    keepalive_timeout 60s;
    keepalive_requests 100000;
    upstream tls { server 127.0.0.1:%%PORT_ssl%%; keepalive 4; }
    access_log off;
    server {
        listen 127.0.0.1:%%PORT_ssl%% ssl;
        http2 on;
        location / { return 200 "$connection_requests $ssl_server_name $ssl_protocol $ssl_cipher\n"; }
        location /up { proxy_pass https://tls/; proxy_http_version 1.1; proxy_set_header Connection ""; }
        location /post { proxy_pass http://127.0.0.1:%%PORT%%; }
    }
    server { listen 127.0.0.1:%%PORT%%; return 200 "$http_content_length"; }
    server {
        listen 127.0.0.1:%%PORT_client%% ssl;
        ssl_verify_client on;
        ssl_client_certificate %%TESTDIR%%/tls/ca.pem;
        return 200 "$ssl_client_verify $ssl_client_s_dn $ssl_client_serial $ssl_client_fingerprint $ssl_session_id\n";
    }
    server { listen 127.0.0.1:%%PORT_short%% ssl; keepalive_timeout 700ms; return 200 "short"; }
    server {
        listen 127.0.0.1:%%PORT_async%% ssl;
        ssl_async threads=other;
        ssl_certificate %%TESTDIR%%/tls/rsa.pem;
        ssl_certificate_key %%TESTDIR%%/tls/rsa.key;
        return 200 "$connection_requests async\n";
    }
}
EOC
$conf =~ s/^(thread_pool|\s+ssl_async) .*\n//mg if !has_module('threads');
$t->run($conf);

# A connection is asleep at the latest after twice its time and a quarter.
sub rest { sleep 0.25 * ($ENV{TEST_SLOW} || 1) }

sub connect_tls {
    my ($port, %opt) = @_;

    return IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $t->port($port), SSL_verify_mode => 0,
        SSL_hostname => 'a.test', Timeout => 10, %opt) // die IO::Socket::SSL::errstr() . "\n";
}

# ask($socket, $uri): the body of the response
sub ask {
    my ($s, $uri, $method, $body) = @_;
    my $in = '';

    $method //= 'GET';
    $body //= '';
    print $s "$method $uri HTTP/1.1\r\nHost: a.test\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    for (;;) {
        return $2 if $in =~ /\r\nContent-Length: (\d+)\r\n.*?\r\n\r\n(.*)\z/si && length $2 >= $1;
        sysread($s, $in, 65536, length $in) or return "closed after '$in'";
    }
}

sub memory {
    my ($worker) = children($t->pid);
    my $n = 0;
    $worker //= $t->pid;
    $n += $_ for $t->read("/proc/$worker/smaps_rollup") =~ /^Private_\w+:\s+(\d+)/mg;
    return $n;
}

# ---- many of them ----

use constant MANY => 200;
my @all = map { connect_tls('ssl') } 1 .. MANY;
ask($_, '/') for @all;
my $awake = memory();
my $again = 0;
$again += ask($_, '/') =~ /^2 a\.test TLSv1\.3 / for @all;
is $again, MANY, 'many connections';
SKIP: {
    skip 'a sanitizer keeps it', 1 if !lives_on();
    # 9.5 kB of each
    ok wait_until(sub { memory() < $awake - MANY * 4 }), 'idle ones give memory back';
}
rest();
is scalar(grep { ask($_, '/') =~ /^3 a\.test TLSv1\.3 / } @all), MANY, 'all of them go on';
rest();
$_->close for @all[0 .. 66];
close $_ for @all[67 .. 133]; # with a reset, or none
is scalar(grep { ask($_, '/') =~ /^4 / } @all[134 .. 199]), 66, 'others have closed theirs asleep';
@all = ();

# ---- versions and ciphers ----

for my $kind (['TLSv1_3', 'TLS_AES_256_GCM_SHA384'], ['TLSv1_3', 'TLS_AES_128_GCM_SHA256'],
    ['TLSv1_3', 'TLS_CHACHA20_POLY1305_SHA256'], ['TLSv1_2', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    ['TLSv1_2', 'ECDHE-ECDSA-CHACHA20-POLY1305']) {
    my ($version, $cipher) = @$kind;
    my $s = connect_tls('ssl', SSL_version => $version,
        $version eq 'TLSv1_3' ? (SSL_ciphersuites => $cipher) : (SSL_cipher_list => $cipher));
    my $good = 0;
    for my $n (1 .. 3) {
        $good += ask($s, '/') =~ /^$n a\.test \S+ \Q$cipher\E$/m;
        rest();
    }
    is $good, 3, "$version, $cipher";
    is ask($s, '/post', 'POST', 'x' x 100_000), 100_000, '... a large body';
    rest();
    ok $s->close, '... and its end';
}

# ---- clients with certificates, sessions ----

my $s = connect_tls('client', SSL_cert_file => $pki->path('client.pem'), SSL_key_file => $pki->path('client.key'));
my $first = ask($s, '/');
like $first, qr/^SUCCESS CN=client.* [0-9a-f]{40}/, 'a client with a certificate';
rest();
is ask($s, '/'), $first, '... is who it was';
$s->close;

my $session = $t->path('session');
s_client($t->port('ssl'), "GET / HTTP/1.0\r\n\r\n", '-tls1_3', '-sess_out', $session);
my $early = $t->path('early');
$t->write('early', "GET /early HTTP/1.1\r\nHost: a\r\n\r\n");

# client($text, @args): openssl s_client, which is given pieces of text with a rest
# between them; what it prints.
sub client {
    my ($texts, @args) = @_;
    my $pid = open2(my $out, my $in, 'exec timeout 30 openssl s_client -connect 127.0.0.1:' . $t->port('ssl')
        . " @args 2>&1");

    for my $text (@$texts) {
        rest();
        syswrite $in, $text;
    }
    my $all = do { local $/; <$out> };
    waitpid $pid, 0;
    return $all;
}

my $next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
my $last = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
my $old = $t->path('old');
client([$next, $last], '-tls1_2', '-sess_out', $old);
my $text = client([$next, $last], '-tls1_2', '-sess_in', $old);
like $text, qr/Reused, TLSv1\.2/, 'a session is resumed';
is scalar(() = $text =~ m{HTTP/1.1 200}g), 2, '... and sleeps';

$text = client([$last], '-tls1_3', '-sess_in', $session, '-early_data', $early);
like $text, qr/Early data was accepted/, 'early data';
is scalar(() = $text =~ m{HTTP/1.1 200}g), 2, '... and a request behind a rest';

for my $key (qw(k K)) {
    $text = client([$next, "$key\n", $next, "$key\n", $last], '-tls1_3');
    like $text, qr/KEYUPDATE/, "new keys ($key) are told to one that sleeps";
    is scalar(() = $text =~ m{HTTP/1.1 200}g), 3, '... and it goes on';
}
$text = client([$next, "R\n", $last], '-tls1_2');
like $text, qr/RENEGOTIATING/, 'a renegotiation is asked for';
unlike $text, qr/HTTP.* 200.*HTTP.* 200/s, '... and refused';

# ---- upstreams, threads, HTTP/2 ----

$s = connect_tls('ssl');
like ask($s, '/up'), qr/^1 /, 'an upstream';
rest();
like ask($s, '/up'), qr/^2 /, 'goes on on its connection';
rest();
ask($s, '/up') for 1 .. 3;
like ask($s, '/up'), qr/^6 /, '... still';

my @async = map { connect_tls('async') } 1 .. 8;
is scalar(grep { ask($_, '/') =~ /^1 / } @async), 8, 'handshakes by threads';
rest();
is scalar(grep { ask($_, '/') =~ /^2 / } @async), 8, '... and a rest';
$_->close for @async;

my @h2 = map { Weir::H2->new(port => $t->port('ssl'), tls => 1) } 1 .. 8;
for my $round (1 .. 3) {
    is scalar(grep { my $id = $_->request('GET', '/'); $_->wait($id); $_->stream($id)->{body} =~ /a\.test TLSv1\.3/ }
        @h2), 8, "HTTP/2, $round";
    rest();
}
$_->ping for @h2;
rest();
$_->close for @h2;

# ---- ends ----

$s = connect_tls('short');
is ask($s, '/'), 'short', 'a short keepalive_timeout';
ok(IO::Select->new($s)->can_read(10), '... ends it asleep');
is sysread($s, my $byte, 1), 0, '... with close_notify';
ok Net::SSLeay::get_shutdown($s->_get_ssl_object) & 2, '... it is one';

@all = map { connect_tls('ssl') } 1 .. 20;
ask($_, '/') for @all;
rest();
SKIP: {
    skip 'a reload ends them', 3 if !lives_on();
    $t->reload;
    is scalar(grep { ask($_, '/') =~ /^2 / } @all), 20, 'a reload finds them asleep';
    rest();
    $t->reload($conf =~ s/ssl_idle_sleep 50ms/ssl_idle_sleep off/r);
    rest();
    is scalar(grep { ask($_, '/') =~ /^3 / } @all), 20, 'a reload that has them off';
    $t->reload($conf);
    is scalar(grep { ask($_, '/') =~ /^4 / } @all), 20, '... and on';
    rest();
}
is conf_test("ssl_idle_sleep soon;\nevents {}\n")->{first}, '"ssl_idle_sleep" directive invalid value in F:1',
    'no time';
$t->stop;
is scalar(grep { (sysread($_, my $got, 1) // -1) == 0 && Net::SSLeay::get_shutdown($_->_get_ssl_object) & 2 } @all), 20,
    'the end of the worker is told to all';
unlike $t->read('error.log'), qr/\[(?:alert|crit|emerg|error)\]/, 'the log has nothing to say';

done_testing;
