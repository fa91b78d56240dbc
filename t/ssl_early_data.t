# SPDX-License-Identifier: BSD-2-Clause
#
# ssl_early_data: requests before the end of the handshake, which are so once
# only, and only where the server can be sure of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use Weir::Test;
use Weir::TLS;

need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->issue('a');
$t->write('key', join '', map { chr($_ * 7 % 256) } 1 .. 80);

sub server {
    my ($name, $lines) = @_;
    return <<"EOS";
    server {
        listen 127.0.0.1:%%PORT_$name%% ssl;
        $lines
        location / { return 200 "early=[\$ssl_early_data] \$request_uri\\n"; }
        location /up { proxy_pass http://127.0.0.1:%%PORT%%; }
        location /post { proxy_pass http://127.0.0.1:%%PORT%%; }
        location /safe { if (\$ssl_early_data) { return 425; } return 200 "safe\\n"; }
    }
EOS
}

my $conf = <<'EOC' . server('ticket', '') . server('cache', 'ssl_session_tickets off; ssl_session_cache shared:S:200k;')
worker_processes 2;
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_early_data on;
    client_body_buffer_size 32k;
    proxy_set_header Early-Data $ssl_early_data;
    log_format early "$request_uri [$ssl_early_data]";
    access_log %%TESTDIR%%/early.log early;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "Early-Data: [$http_early_data]\n"; }
        location /post { proxy_pass http://127.0.0.1:%%PORT%%/n; proxy_set_header Early-Data $http_early_data; }
    }
EOC
    . server('key', 'ssl_session_ticket_key %%TESTDIR%%/key;')
    . server('off', 'ssl_early_data off;')
    . server('curve', 'ssl_ecdh_curve secp384r1;') . "}\n";
$t->run($conf);

my $n = 0;

# session($server, @args): a file with a session of it.
sub session {
    my ($server, @args) = @_;
    my $file = $t->path('session' . ++$n);

    s_client($t->port($server), "GET / HTTP/1.0\r\n\r\n", '-tls1_3', '-sess_out', $file, @args);
    return $file;
}

# early($port, $session, $first, $second, @args): what the client prints that
# sends one request early, the other one after the handshake.
sub early {
    my ($port, $session, $first, $second, @args) = @_;

    $t->write('request', $first);
    return s_client($port, $second, '-tls1_3', '-sess_in', $session, '-early_data', $t->path('request'), @args);
}

my $get = "GET /one HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
my $keep = $get =~ s/Connection.*\r\n//r;

# nginx may have read the end of the handshake by the time it looks.
my $yes = is_oracle() ? '1?' : '1';

for my $server (qw(ticket cache)) {
    my $port = $t->port($server);
    my $session = session($server);
    my $text = early($port, $session, $get, '');

    like $text, qr/Early data was accepted/, "$server: accepted";
    like $text, qr/^early=\[$yes\] \/one$/m, "$server: and known to be early";

    $text = early($port, $session, $keep, $get =~ s/one/two/r);
    like $text, qr/^early=\[$yes\] \/one\n.*^early=\[\] \/two\n/ms, "$server: one early, one after the handshake";
    is scalar(() = $text =~ /^early=/mg), 2, "$server: no more";

    like early($port, $session, $get =~ s/one/up/r, ''), qr/^Early-Data: \[$yes\]$/m, "$server: passed on";
    next if is_oracle();
    like early($port, $session, $keep =~ s/one/safe/r, $get =~ s/one/safe/r),
        qr{HTTP/1.1 425 \r\n.*HTTP/1.1 200 OK.*^safe$}ms, "$server: 425, and again";
}

# A body that comes in part with the early data, and one that fills it.
my $session = session('ticket');
my $port = $t->port('ticket');
my $post = "POST /post HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\n12345";
like early($port, $session, $post, '67890'), qr/^Early-Data: \[\]$/m, 'the rest of a body comes later';
$post = "POST /post HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 16000\r\n\r\n" . 'x' x 16000;
like early($port, $session, $post, ''), qr/^Early-Data: \[$yes\]$/m, 'as much as there may be';
like early($port, $session, '', $get), qr/^early=\[\] \/one$/m, 'nothing early';
like early($port, $session, "\r\n", $get), qr/^early=\[1?\] \/one$/m, 'next to nothing';

# Where it is not accepted, the client is told so, and the request is not seen.
my $text = early($t->port('off'), $session, $keep, $get =~ s/one/two/r);
like $text, qr/Early data was rejected/, 'off: not accepted';
like $text, qr/^early=\[\] \/two$/m, 'off: what follows is';
unlike $text, qr/\/one$/m, 'off: what was early is not';
$text = early($t->port('curve'), session('curve'), $keep, $get =~ s/one/two/r, '-groups', 'P-256:P-384');
like $text, qr/Early data was rejected.*^early=\[\] \/two$/ms, 'not beside a second ClientHello';

# record($port, $step, $client): runs the client through here; what it has
# sent.  The server gets it in pieces of that many bytes.
sub record {
    my ($port, $step, $client) = @_;
    my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "$!\n";
    my $pid = fork // die "$!\n";

    if (!$pid) {
        my $in = $l->accept or POSIX::_exit(1);
        my $out = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or POSIX::_exit(1);
        my $both = IO::Select->new($in, $out);
        my $sent = '';

        $out->sockopt(Socket::TCP_NODELAY(), 1);
        LOOP: while (my @ready = $both->can_read(10)) {
            for my $s (@ready) {
                last LOOP if !sysread $s, my $bytes, 65536;
                if ($s == $out) {
                    syswrite $in, $bytes;
                    next;
                }
                $sent .= $bytes;
                for (my $at = 0; $at < length $bytes; $at += $step) {
                    syswrite $out, substr $bytes, $at, $step;
                    select undef, undef, undef, 0.0005 if $step < 65536;
                }
            }
        }
        $t->write('recorded', $sent);
        POSIX::_exit(0);
    }
    my $text = $client->($l->sockport);
    waitpid $pid, 0;
    return ($text, $t->read('recorded'));
}

($text) = record($port, 7, sub { early($_[0], $session, $get =~ s/one/pieces/r, '') });
like $text, qr/accepted.*^early=\[$yes\] \/pieces$/ms, 'in pieces';
($text) = record($port, 7, sub { early($_[0], $session, $keep =~ s/one/pieces/r, $get =~ s/one/later/r) });
like $text, qr/accepted.*^early=\[$yes\] \/pieces\n.*^early=\[\] \/later\n/ms, 'in pieces, and more';

# Others send the same bytes again, which nginx answers, and is then alarmed.
($text, my $bytes) = record($port, 65536, sub { early($_[0], $session, $get =~ s/one/once/r, '') });
like $text, qr/^early=\[$yes\] \/once$/m, 'recorded';
for (1 .. (is_oracle() ? 0 : 3)) {
    my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die "$!\n";
    $s->syswrite($bytes);
    shutdown $s, 1; # no more than that
    1 while sysread $s, my $answer, 65536;
}
sub times_logged { return scalar(() = $t->read('early.log') =~ /^$_[0] \[1\]$/mg) }
wait_until(sub { times_logged('/once') >= 1 }) if !is_oracle();
is times_logged('/once'), 1, 'not answered again' if !is_oracle();

# Whatever the keys: what was seen before a restart is not known after it.
my $key = session('key');
like early($t->port('key'), $key, $get, ''), qr/accepted/, 'by a key in a file';
$t->reload;
like early($t->port('key'), $key, $get, ''), qr/accepted/, 'after a reload';
like early($port, $session, $get, ''), qr/accepted/, 'after a reload, without a file' if !is_oracle();
$t->stop;
$t->run;
$text = early($t->port('key'), $key, $keep, $get =~ s/one/two/r);
like $text, qr/Reused/, 'after a restart: resumed';
like $text, qr/rejected/, 'after a restart: no early data' if !is_oracle();

# What is no request at all is no more than an info in the log.
for my $cut (0, 100, 5000) {
    my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die "$!\n";
    $s->syswrite($cut > 100 ? "$bytes\x17\x03\x03\x00\x05abcde" : substr $bytes, 0, length($bytes) - $cut);
    shutdown $s, 1;
    1 while sysread $s, my $answer, 65536;
    last if is_oracle();
}
unlike join("\n", $t->log), qr/\[(?:warn|error|crit|alert|emerg)\]/, 'client noise';

done_testing;
