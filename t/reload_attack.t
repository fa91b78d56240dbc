# SPDX-License-Identifier: BSD-2-Clause
#
# Reloads when something is in the way: workers that are stopped, that end with
# a generation that they will not serve, more descriptors than fit a message;
# and what a socket that is kept has of options that are gone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test;

plan skip_all => 'workers are replaced' if !lives_on();
need_module('http_rewrite', 'http_proxy');

# The name of a file that "wait" waits for.
my $gate = File::Temp->newdir('weir-gate-XXXXXX', TMPDIR => 1);
my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my ($word) = $request->uri =~ m{^/wait/(\w+)};

    wait_until(sub { -e "$gate/$word" }, Weir::Test::slow(20)) if defined $word;
    return "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback";
});
my $up = $backend->port;

sub open_gate { open my $out, '>', "$gate/$_[0]" or die "$gate: $!\n" }

sub conf {
    my ($workers, $text) = @_;

    return <<"EOC";
%%GLOBALS%%
worker_processes $workers;
events { }
http {
    %%GLOBALS_HTTP%%
    add_header X-Process \$pid always;
    $text
}
EOC
}

sub start {
    my ($workers, $text) = @_;
    my $t = Weir::Test->new;

    $t->run(conf($workers, $text));
    wait_until(sub { $t->worker_pids == $workers });
    return $t;
}

sub log_count {
    my ($t, $re) = @_;

    return scalar(() = $t->read('error.log') =~ /$re/g);
}


# ---- sockets --------------------------------------------------------------------

# How a process watches what it listens at, as the system tells it: not
# edge-triggered, as all else is.
sub watched {
    my ($pid) = @_;
    my @all = map { Weir::Test::slurp($_) =~ /events:\s*([0-9a-f]+)/g }
        glob "/proc/$pid/fdinfo/*";

    return [sort grep { !(hex($_) & 1 << 31) } @all];
}

subtest 'more workers, and fewer' => sub {
    my $server = 'server { listen 127.0.0.1:%%PORT%%; return 204; }';
    my ($one, $two) = map { start($_, $server) } 1, 2;
    my ($worker) = $one->worker_pids;
    my ($alone, $shared) = map { watched(($_->worker_pids)[0]) } $one, $two;

    isnt "@$alone", "@$shared", 'two watch sockets in another way than one';
    ok $one->reload(conf(2, $server)), 'one more';
    is "@{watched($worker)}", "@$shared", 'the one that lives on, too';
    ok $one->reload(conf(1, $server)), 'one less';
    is "@{watched(($one->worker_pids)[0])}", "@$alone", 'and back';
};


# Whether the system checks a connection of the server to us for life.
sub is_checked {
    my ($t, $c) = @_;
    my $ends = sprintf '0100007F:%04X 0100007F:%04X', $t->port, $c->local_port;
    my ($timer) = Weir::Test::slurp('/proc/net/tcp') =~ /$ends 01 \S+ (\d\d):/;

    return ($timer // '') eq '02' ? 1 : 0;
}

subtest 'options of a socket that is kept' => sub {
    my $server = sub { "server { listen 127.0.0.1:%%PORT%% $_[0]; return 204; }" };
    my $t = start(1, $server->(''));
    my $asked = sub {
        my $c = $t->connect;
        $c->get('/');
        return is_checked($t, $c);
    };

    is $asked->(), 0, 'without so_keepalive';
    ok $t->reload(conf(1, $server->('so_keepalive=on fastopen=10'))), 'reload';
    is $asked->(), 1, 'with it';
    ok $t->reload(conf(1, $server->(''))), 'reload';
    is $asked->(), 0, 'without it again';
};


done_testing;
