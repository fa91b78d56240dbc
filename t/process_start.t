# SPDX-License-Identifier: BSD-2-Clause
#
# A start that fails says why where people look: on standard error and in the
# log that the configuration names.  A unix socket that a killed server left
# behind is no reason to fail.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use Weir::Test;

sub start {
    my ($t, $text) = @_;

    $t->conf($text);
    return run_binary({ dir => $t->dir }, '-p', $t->dir . '/', '-c',
                      'nginx.conf', '-e', 'first.log');
}

my $head = <<'EOC';
daemon off; pid %%TESTDIR%%/nginx.pid; error_log %%TESTDIR%%/named.log;
events { }
http {
    access_log off;
EOC

# a port that is taken, an address that is not there, a folder that cannot be
my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
my $port = $taken->sockport;
for my $case (
    ["listen 127.0.0.1:$port;", qr/bind\(\) to 127\.0\.0\.1:$port failed \(98: .*still could not bind\(\)/s],
    ['listen 203.0.113.9:8000;', qr/bind\(\) to 203\.0\.113\.9:8000 failed \(99: /],
) {
    my ($listen, $message) = @$case;
    my $t = Weir::Test->new;
    my ($code, $out, $err) = start($t, "$head server { $listen } }\n");

    is $code, 1, "$listen: it does not start";
    like $err, $message, 'standard error says why';
    like $t->read('named.log'), $message, 'and so does the error log';
}
my $t = Weir::Test->new;
my ($code, $out, $err) = start($t, "$head client_body_temp_path none/body;\n"
                               . "server { listen 127.0.0.1:%%PORT%%; } }\n");
is $code, 1, 'a folder that cannot be made';
like $err, qr/mkdir\(\) "\S+" failed/, 'standard error says why';
SKIP: {
    skip 'an nginx has not opened it yet', 1 if is_oracle();
    like $t->read('named.log'), qr/mkdir\(\) "\S+" failed/, 'and so does the error log';
}

# what a server that was killed leaves behind
SKIP: {
    skip 'an nginx does not start', 10 if is_oracle();
    my $s = Weir::Test->new;
    my $conf = "%%HTTP%% server { listen unix:%%TESTDIR%%/s; listen 127.0.0.1:%%PORT%%;\n"
        . "return 200 hi; } }\n";
    my $socket = IO::Socket::UNIX->new(Local => $s->path('s'), Listen => 1);
    $socket->close;
    ok -S $s->path('s'), 'a socket at which nobody listens';
    $s->run($conf);
    is $s->get('/')->body, 'hi', 'is replaced';
    ok $s->wait_log(qr/\[warn\] \d+#\d+: nobody listens on unix:\S+, which was left behind/),
        'and the log says so';
    my $c = IO::Socket::UNIX->new(Peer => $s->path('s'));
    ok $c, 'the new one listens';
    is $s->stop, 0, 'it ends well';
    ok !-e $s->path('s'), 'and leaves none behind';

    # one at which somebody listens, and what is no socket, stay
    my $u = Weir::Test->new;
    my $own = IO::Socket::UNIX->new(Local => $u->path('s'), Listen => 5);
    ($code, $out, $err) = start($u, "$head server { listen unix:%%TESTDIR%%/s; } }\n");
    is $code, 1, 'where somebody listens it does not start';
    ok(IO::Socket::UNIX->new(Peer => $u->path('s')), 'and he goes on');
    my $v = Weir::Test->new;
    $v->write('s', 'kept');
    ($code, $out, $err) = start($v, "$head server { listen unix:%%TESTDIR%%/s; } }\n");
    is $code, 1, 'nor where a file is';
    is $v->read('s'), 'kept', 'which stays';
}

done_testing;
