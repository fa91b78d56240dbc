# SPDX-License-Identifier: BSD-2-Clause
#
# Sessions of TLS clients: in tickets and in caches, over workers, reloads and
# restarts.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::TLS;

need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->issue('a');
$t->write('key1', join '', map { chr($_ * 3 % 256) } 1 .. 80);
$t->write('key2', join '', map { chr($_ * 5 % 256) } 1 .. 48);

my $conf = <<'EOC';
worker_processes 3;
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    keepalive_timeout 0;

    server {
        listen 127.0.0.1:%%PORT_ticket%% ssl reuseport;
        return 200 "reused $ssl_session_reused $pid\n";
    }
    server {
        listen 127.0.0.1:%%PORT_cache%% ssl reuseport;
        ssl_session_cache shared:S:100k;
        ssl_session_tickets off;
        return 200 "reused $ssl_session_reused $pid id=$ssl_session_id\n";
    }
    server {
        listen 127.0.0.1:%%PORT_key%% ssl reuseport;
        ssl_session_ticket_key %%TESTDIR%%/key1;
        ssl_session_ticket_key %%TESTDIR%%/key2;
        return 200 "reused $ssl_session_reused $pid\n";
    }
    server {
        listen 127.0.0.1:%%PORT_old%% ssl reuseport;
        ssl_session_ticket_key %%TESTDIR%%/key2;
        return 200 "reused $ssl_session_reused $pid\n";
    }
    server {
        listen 127.0.0.1:%%PORT_none%% ssl reuseport;
        ssl_session_cache none;
        ssl_session_tickets off;
        return 200 "reused $ssl_session_reused $pid\n";
    }
    server {
        listen 127.0.0.1:%%PORT_off%% ssl reuseport;
        ssl_session_cache off;
        ssl_session_tickets off;
        return 200 "reused $ssl_session_reused $pid\n";
    }
    server {
        listen 127.0.0.1:%%PORT_short%% ssl reuseport;
        ssl_session_timeout 1s;
        return 200 "reused $ssl_session_reused $pid\n";
    }
}
EOC
$t->run($conf);

# ask($server, @args): "r" or "."; the whole text.
sub ask {
    my ($server, @args) = @_;
    my $text = s_client($t->port($server), "GET / HTTP/1.0\r\n\r\n", @args);

    return wantarray ? ($text =~ /reused (\S) (\d+)(?: id=(\w*))?/) : $text =~ /reused (\S)/ ? $1 : '';
}

# Asks until each of the workers has answered; all answers.
sub everybody {
    my ($server, @args) = @_;
    my (%seen, $all);

    for (1 .. 60) {
        my ($reused, $pid) = ask($server, @args);
        $all .= $reused;
        $seen{$pid}++;
        last if keys %seen == 3;
    }
    return $all;
}

for my $version (qw(tls1_2 tls1_3)) {
    my $v = "-$version";
    my %file = map { $_ => $t->path("$version.$_") } qw(ticket cache key old none off short);

    is scalar(ask($_, $v, '-sess_out', $file{$_})), '.', "$version: a session of $_" for sort keys %file;
    is scalar(ask('key', $v, '-sess_in', $file{key})), 'r', 'by a key in a file';
    is scalar(ask('key', $v, '-sess_in', $file{old})), 'r', 'also by the second one';
    is scalar(ask('old', $v, '-sess_in', $file{key})), '.', 'but not by an unknown one';
    unlike everybody('cache', $v, '-sess_in', $file{cache}), qr/^\.+$/, 'cache: resumed by some';
    like everybody('cache', $v, '-sess_in', $file{cache}), qr/^r+$/, 'cache: by all workers'
        if $version eq 'tls1_2';
    like everybody('key', $v, '-sess_in', $file{key}), qr/^r+$/, 'tickets by all workers';
    if ($v eq '-tls1_3') {
        ask('key', $v, '-sess_in', $file{key}, '-sess_out', "$file{key}.next");
        ok -s "$file{key}.next", 'a ticket for the next time, as clients use one once';
        is scalar(ask('key', $v, '-sess_in', "$file{key}.next")), 'r', 'which is good';
    }
    -e $file{$_} and is scalar(ask($_, $v, '-sess_in', $file{$_})), '.', "$_: none"
        for qw(none off);
    sleep 2;
    is scalar(ask('short', $v, '-sess_in', $file{short})), '.', 'ssl_session_timeout';

    next if is_oracle();
    like everybody('ticket', $v, '-sess_in', $file{ticket}), qr/^r+$/,
        'without a file the workers have the same keys';
}

$t->reload;
for my $version (qw(tls1_2 tls1_3)) {
    is scalar(ask('key', "-$version", '-sess_in', $t->path("$version.key"))), 'r',
        "$version: after a reload";
    is scalar(ask('ticket', "-$version", '-sess_in', $t->path("$version.ticket"))), 'r',
        "$version: also without a file" if !is_oracle();
}

$t->stop;
$t->run;
is scalar(ask('key', "-$_", '-sess_in', $t->path("$_.key"))), 'r', "$_: after a restart, by a file"
    for qw(tls1_2 tls1_3);
isnt scalar(ask('ticket', '-tls1_2', '-sess_in', $t->path('tls1_2.ticket'))), 'r',
    'and by no other';

done_testing;
