# SPDX-License-Identifier: BSD-2-Clause
#
# Reloads when something is in the way: workers that are stopped, that end with
# a generation that they will not serve, more descriptors than fit a message;
# and what a socket that is kept has of options that are gone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use JSON::PP qw(decode_json);
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


# ---- workers that end -----------------------------------------------------------

# One that is told to end has been offered the generation, too, and shares the
# sockets with it.  When the master goes, it gives that up, by which time their
# numbers are of connections.
subtest 'a worker that is too many' => sub {
    my $server = <<"EOC";
server {
    listen 127.0.0.1:%%PORT%%;
    location / { return 200 "\$pid\\n"; }
    location /wait { proxy_pass http://127.0.0.1:$up; }
}
EOC
    my $t = start(2, $server);
    my @begun;
    for my $stopped ($t->worker_pids) {
        kill 'STOP', $stopped;
        for (1 .. 24) {
            my $c = $t->connect(timeout => 20);
            $c->send("GET /wait/many HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
            push @begun, $c;
        }
        sleep 0.2;
        kill 'CONT', $stopped;
    }
    ok $t->reload(conf(1, $server)), 'one worker less';
    ok wait_until(sub { $t->worker_pids == 1 }), 'it is shutting down';
    $_->send("\r\n") for @begun;
    ok wait_until(sub { $backend->requests == @begun }), 'both ask upstream';
    $t->forget_server;
    my @there = Weir::Test::children($t->pid);
    is @there, 2, 'both are there';
    kill 'KILL', $t->pid;
    wait_until(sub { !-e '/proc/' . $t->pid
                     or Weir::Test::slurp('/proc/' . $t->pid . '/stat') =~ /\) Z / });
    sleep 0.2;
    open_gate('many');
    my %by;
    $by{ $_->read_response->header('X-Process') // 'none' }++ for @begun;
    is $by{none} // 0, 0, 'all are answered';
    is keys %by, 2, 'by both';
    kill 'TERM', @there;
};


# With reuseport each worker has a queue of its own, which ends with it.
subtest 'what waits for a worker that is too many' => sub {
    my $server = sub { 'server { listen 127.0.0.1:%%PORT%% ' . ($_[0] // '')
                           . '; location / { return 200 "$pid\n"; } }' };
    my $n = 300;

    for my $case (['a worker less', 2, 1, 'reuseport'], ['no reuseport any more', 2, 2, '']) {
        my ($name, $before, $after, $how) = @$case;
        my $t = start($before, $server->('reuseport'));
        my @workers = $t->worker_pids;
        wait_until(sub { $t->get('/')->status == 200 }) for 1 .. 20;

        kill 'STOP', @workers;
        my @waiting = map {
            my $c = $t->connect(timeout => 20);
            $c->send("GET / HTTP/1.0\r\n\r\n");
            $c;
        } 1 .. $n;
        $t->conf(conf($after, $server->($how)));
        $t->signal('HUP');
        sleep 0.5;
        kill 'CONT', @workers;
        ok $t->wait_log(qr/is served/), "$name: reload";
        my %by;
        $by{ $_->read_response->body }++ for @waiting;
        delete $by{"$_\n"} for @workers;
        is_deeply \%by, {}, 'all that waited are answered by who was there';
    }
};


# ---- workers that are late -----------------------------------------------------

# It finds both orders when it goes on: to serve the second generation, and to
# take over the third, which was made for workers that serve the second.
subtest 'a worker that was stopped between two orders' => sub {
    my $server = sub {
        my ($word, @sockets) = @_;
        return join '', "server { listen 127.0.0.1:%%PORT%%; return 200 \"$word\\n\"; }\n",
            map { "server { listen unix:%%TESTDIR%%/$_; return 200 \"$word $_\\n\"; }\n" }
            @sockets;
    };
    my $t = start(2, $server->('one', 'a'));
    my ($late, $other) = $t->worker_pids;

    $t->conf(conf(2, $server->('two', 'b')));
    kill 'STOP', $other;
    $t->signal('HUP');
    # The first answers at once, the master waits for the other.
    ok wait_until(sub { Weir::Test::slurp("/proc/$late/maps") =~ /memfd:configuration/ }),
        'one takes the configuration over';
    sleep 0.5;
    kill 'STOP', $late;
    kill 'CONT', $other;
    ok $t->wait_log(qr/some worker processes are late/, undef, 15), 'one is late';
    $t->conf(conf(2, $server->('three', 'a', 'b')));
    $t->signal('HUP');
    ok wait_until(sub { log_count($t, qr/: reconfiguring/) == 2 }), 'another reload';
    sleep 0.5;
    kill 'CONT', $late;
    ok wait_until(sub { log_count($t, qr/configuration \d+ is served/) == 2 }, 15),
        'it is served';
    is_deeply [sort $t->worker_pids], [sort $late, $other], 'the workers live on';
    my %said;
    for my $socket (qw(a b)) {
        for (1 .. 40) {
            my $r = $t->request('GET', '/', unix => $socket);
            $said{$socket}{ $r->body }++;
        }
    }
    is_deeply [sort keys %{ $said{a} }], ["three a\n"], 'one socket';
    is_deeply [sort keys %{ $said{b} }], ["three b\n"], 'the other';
};


# ---- connections -----------------------------------------------------------------

subtest 'connections that nothing has come from' => sub {
    my $server = sub { "server { listen 127.0.0.1:%%PORT%%; return 200 $_[0]; }\n"
                           . ($_[1] ? "server { listen 127.0.0.1:%%PORT_b%%; return 200 $_[0]; }" : '') };
    my $t = start(1, $server->('one', 1));
    my $old = $t->connect;
    $old->get('/');
    my ($new, $gone) = map { $t->connect(port => $_) } $t->port, 'b';
    my $status = sub {
        my (undef, $out) = Weir::Test::run_binary('status', '--json', '-c', $t->path('nginx.conf'));
        return decode_json($out);
    };
    ok wait_until(sub { $status->()->{generations}[-1]{connections} == 3 }), 'they are there';

    ok $t->reload(conf(1, $server->('two', 0))), 'reload';
    ok wait_until(sub { my $g = $status->()->{generations};
                        @$g == 2 && $g->[0]{connections} == 2 && $g->[1]{connections} == 1 }),
        'they move to the new configuration'
        or diag explain $status->()->{generations};
    is $new->get('/')->body, 'two', 'as an answer shows';
    is $gone->get('/')->body, 'one', 'where nobody listens, they are answered by the old one';
    ok $gone->closed, 'once';
    ok wait_until(sub { @{ $status->()->{generations} } == 1 }), 'that is gone then';
};


# relay($socket): the port of a relay between its client and that socket.
sub relay {
    my ($there) = @_;

    return Weir::Backend->tcp(sub {
        my ($c) = @_;
        my %to = (fileno($there) => [$there, $c->socket], fileno($c->socket) => [$c->socket, $there]);
        my $select = IO::Select->new(map { $_->[0] } values %to);

        while (my @ready = $select->can_read(20)) {
            for (map { $to{fileno $_} } @ready) {
                sysread $_->[0], my $bytes, 65536 or return;
                syswrite $_->[1], $bytes;
            }
        }
    })->port;
}

subtest 'connections before their handshake' => sub {
    plan skip_all => 'no TLS' if !has_module('http_ssl') || system('openssl version >/dev/null 2>&1');
    require Weir::TLS;
    my $t = Weir::Test->new;
    my $pki = Weir::TLS->new($t);
    $pki->issue($_) for qw(a b);
    my $server = sub {
        return "server { listen 127.0.0.1:%%PORT%% ssl; return 200 $_[0]; "
            . join('', map { "ssl_certificate$_->[0] %%TESTDIR%%/tls/$_[0].$_->[1]; " }
                   ['', 'pem'], ['_key', 'key']) . '}';
    };
    $t->run(conf(1, $server->('a')));
    my $c = $t->connect;
    ok $t->reload(conf(1, $server->('b'))), 'reload';
    my $port = relay($c->socket);
    my $said = Weir::TLS::s_client($port, "GET / HTTP/1.0\r\n\r\n");
    like $said, qr/subject=.*b\.test/, 'the new certificate' or diag $said;
};


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
    my ($alone, $shared) = map {
        my ($pid) = $_->worker_pids;
        wait_until(sub { @{watched($pid)} });
        watched($pid);
    } $one, $two;

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


# ---- descriptors -----------------------------------------------------------------

subtest 'more files than fit a message' => sub {
    my $server = sub {
        my ($word) = @_;
        return 'server { listen 127.0.0.1:%%PORT%%; location / { return 204; } '
            . join('', map { "location = /$_ { access_log %%TESTDIR%%/$word-$_.log; return 204; }\n" }
                   1 .. 450)
            . '}';
    };
    my $t = start(2, $server->('a'));
    my @workers = sort $t->worker_pids;
    my $count = sub { scalar(() = glob "/proc/$_[0]/fd/*") };
    my $before = $count->($workers[0]);
    my %kept = map { $_ => $t->connect } 1, 200, 201, 450;

    for my $word (qw(b a c)) {
        ok $t->reload(conf(2, $server->($word))), "reload: $word";
        $kept{$_}->get("/$_") for keys %kept;
        for my $n (sort keys %kept) {
            ok wait_until(sub { $t->read("$word-$n.log") =~ tr/\n// == 1 }), "log $n";
        }
        unlink glob $t->path('*-*.log');
    }
    is_deeply [sort $t->worker_pids], \@workers, 'in the same workers';
    undef %kept;
    ok wait_until(sub { $count->($workers[0]) == $before }), 'none is left open'
        or diag $count->($workers[0]), " instead of $before";
};

done_testing;
