# SPDX-License-Identifier: BSD-2-Clause
#
# What a reload changes, one by one: configurations that are broken, ports,
# workers, their user, logs, upstreams, and whatever is under way when its
# configuration is retired.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use Time::HiRes qw(sleep);
use Weir::Test;

need_module('http_rewrite', 'http_proxy', 'http_mirror', 'http_auth_request',
            'http_addition', 'threads');

# "wait" answers when the file of that name is there, others at once; the name
# of the server comes first.
my $gate = File::Temp->newdir('weir-gate-XXXXXX', TMPDIR => 1);

sub backend {
    my ($name) = @_;

    return Weir::Backend->http(sub {
        my ($request) = @_;
        my $body = "$name " . $request->uri . "\n";

        if ($request->uri =~ m{^/wait/(\w+)}) {
            wait_until(sub { -e "$gate/$1" }, Weir::Test::slow(20));
        }
        return "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    });
}

my ($first, $second) = map { backend($_) } qw(a b);
my $up = '127.0.0.1:' . $first->port;

# open_gate('word'): what waits for it goes on.
sub open_gate { open my $out, '>', "$gate/$_[0]" or die "$gate: $!\n" }

# conf($text, workers => N, main => directives), with the text in http {}; and
# a server that runs it.
sub conf {
    my ($text, %opt) = @_;
    my $workers = $opt{workers} // 2;

    return <<"EOC";
%%GLOBALS%%
worker_processes $workers;
${\($opt{main} // '')}
events { }
http {
    %%GLOBALS_HTTP%%
    root %%TESTDIR%%/html;
    add_header X-Process \$pid always;
    $text
}
EOC
}

sub start {
    my ($text, %opt) = @_;
    my $t = Weir::Test->new;

    $t->run(conf($text, %opt));
    wait_until(sub { $t->worker_pids == ($opt{workers} // 2) });
    return $t;
}

sub one_server {
    my ($word, $more) = @_;

    return "server { listen 127.0.0.1:%%PORT%%; location / { return 200 \"$word\\n\"; } "
        . ($more // '') . " }\n";
}

sub said { my ($c, $uri) = @_; return $c->get($uri // '/')->body =~ s/\n\z//r }


# ---- configurations with errors ----------------------------------------------

subtest 'broken in many ways' => sub {
    my $holder = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "listen: $!\n";
    my $port = $holder->sockport;
    my $good = conf(one_server('one'));
    my %broken = (
        'an unknown directive' => "${good}zork on;\n",
        'a block that is not closed' => $good =~ s/\}\s*\z//r,
        'a bad value' => conf(one_server('x', 'keepalive_timeout never;')),
        'a missing include' => conf(one_server('x', 'include nowhere.conf;')),
        'a bad pattern' => conf(one_server('x', 'location ~ "(" { }')),
        'no events' => $good =~ s/events \{ \}//r,
        'a log that cannot be opened' =>
            conf(one_server('x', 'access_log %%TESTDIR%%/none/access.log;')),
        'a port that another process has' =>
            conf(one_server('x') . "server { listen 127.0.0.1:$port; }\n"),
        'a pid file that cannot be written' =>
            $good =~ s/%%GLOBALS%%/%%GLOBALS%%\n/r
                =~ s/\A/error_log %%TESTDIR%%\/error.log info; /r
                =~ s/%%GLOBALS%%/daemon off; pid %%TESTDIR%%\/none\/x.pid;/r,
    );
    my $t = start(one_server('one'));
    $t->expect_log(qr/\[(?:emerg|alert|crit)\]/);
    my @workers = sort $t->worker_pids;
    my $kept = $t->connect;
    my $fds = sub { scalar(() = glob '/proc/' . $t->pid . '/fd/*') };

    is said($kept), 'one', 'served';
    ok $t->reload(conf(one_server('one'))), 'a reload';
    is said(lives_on() ? $kept : $t->connect), 'one', 'served';
    my ($before) = sort { $a <=> $b } map { sleep 0.05; $fds->() } 1 .. 5;
    @workers = sort $t->worker_pids;
    $kept = $t->connect if !lives_on();
    for my $what (sort keys %broken) {
        my $size = length $t->read('error.log');
        $t->conf($broken{$what});
        $t->signal('HUP');
        # A port is tried several times.
        my $end = $what =~ /port/ ? qr/still could not bind/ : qr/\[emerg\]/;
        ok wait_until(sub { substr($t->read('error.log'), $size) =~ $end }),
            "$what: refused";
        ok wait_until(sub { $fds->() <= $before }), "$what: nothing is left open";
        is said($kept), 'one', "$what: the old one is served";
        is_deeply [sort $t->worker_pids], \@workers, "$what: by the same workers";
    }
    ok $t->reload(conf(one_server('two'))), 'a good one is taken';
    is said(lives_on() ? $kept : $t->connect), 'two', 'and served';
};


# ---- ports --------------------------------------------------------------------

subtest 'ports come, go and move' => sub {
    my $t = start(<<'EOC');
server { listen 127.0.0.1:%%PORT%%; return 200 A; }
server { listen 127.0.0.1:%%PORT_b%%; listen unix:%%TESTDIR%%/b.sock; return 200 B; }
server { listen 127.0.0.1:%%PORT_r%% reuseport; return 200 R; }
server { listen 127.0.0.1:%%PORT_go%%; location / { return 200 gone; } location = /big { limit_rate 40k; } }
EOC
    $t->write('html/big', 'x' x 80_000);
    my %kept = map { $_ => $t->connect(port => $t->port($_)) } '', qw(b r go);
    is said($kept{''}), 'A', 'the first';
    is said($kept{b}), 'B', 'the second';
    is said($kept{r}), 'R', 'one with reuseport';
    is said($kept{go}), 'gone', 'one that will be gone';
    my $runs = $t->connect(port => $t->port('go'));
    $runs->send_request('GET', '/big');
    ok $runs->can('read', time + 10), 'a transfer on it begins';

    ok $t->reload(conf(<<'EOC')), 'reload';
server { listen 127.0.0.1:%%PORT_b%%; listen 127.0.0.1:%%PORT_new%%; return 200 A; }
server { listen 127.0.0.1:%%PORT%%; listen unix:%%TESTDIR%%/new.sock; return 200 B; }
server { listen 127.0.0.1:%%PORT_r%% reuseport; listen 127.0.0.1:%%PORT_s%% reuseport; return 200 S; }
EOC
    is said($t->connect), 'B', 'a port has moved';
    is said($t->connect(port => 'b')), 'A', 'so has another';
    is said($t->connect(port => 'new')), 'A', 'a new port';
    is said($t->connect(unix => 'new.sock')), 'B', 'a new unix socket';
    is said($t->connect(port => $_)), 'S', "with reuseport: $_" for qw(r s);
    my @each = map { said($t->connect(port => 's')) } 1 .. 20;
    is scalar(grep { $_ eq 'S' } @each), 20, 'every worker accepts there';
    SKIP: {
        skip 'workers are replaced', 3 if !lives_on();
        is said($kept{''}), 'B', 'a kept connection to a port that has moved';
        is said($kept{b}), 'A', 'to the other one';
        is said($kept{r}), 'S', 'to one with reuseport';
    }
    ok $kept{go}->closed, 'an idle one to a port that is gone is closed';
    is length $runs->read_response->body, 80_000, 'a transfer on it ends';
    ok !eval { $t->connect(port => 'go') }, 'nobody listens there';
    ok !-e $t->path('b.sock'), 'the unix socket is removed';
};


# ---- workers -------------------------------------------------------------------

subtest 'worker_processes' => sub {
    my $t = start(one_server('one', 'location = /big { limit_rate 40k; }'), workers => 1);
    my ($worker) = $t->worker_pids;
    $t->write('html/big', 'x' x 120_000);
    my $kept = $t->connect;
    is said($kept), 'one', 'one worker';

    ok $t->reload(conf(one_server('two', 'location = /big { limit_rate 40k; }'), workers => 3)),
        'more of them';
    ok wait_until(sub { $t->worker_pids == 3 }), 'three';
    my %three = map { $_ => 1 } $t->worker_pids;
    SKIP: {
        skip 'workers are replaced', 2 if !lives_on();
        ok $three{$worker}, 'the first is one of them';
        is said($kept), 'two', 'and keeps its connection';
    }
    my %seen;
    wait_until(sub { $seen{ $t->get('/')->header('X-Process') }++; keys %seen == 3 });
    is_deeply [sort keys %seen], [sort keys %three], 'all of them serve';

    my @running = map { my $c = $t->connect; $c->send_request('GET', '/big'); $c } 1 .. 12;
    $_->can('read', time + 10) for @running;
    ok $t->reload(conf(one_server('three'), workers => 2)), 'fewer of them';
    ok wait_until(sub { $t->worker_pids == 2 }), 'two';
    is scalar(grep { $three{$_} } $t->worker_pids), lives_on() ? 2 : 0,
        lives_on() ? 'both were there before' : 'new ones';
    is said($t->connect), 'three', 'they serve';
    is scalar(grep { length $_->read_response->body == 120_000 } @running), 12,
        'what ran in the one that ends was finished';
    ok wait_until(sub { Weir::Test::children($t->pid) == 2 }), 'which is gone then';
};

subtest 'user' => sub {
    plan skip_all => 'only root can change it' if $> != 0;
    my $other = (grep { my @u = getpwnam $_; @u && $u[2] } qw(daemon bin sys))[0]
        or plan skip_all => 'no other user';
    my $t = start(one_server('one', 'location = /big { limit_rate 40k; }'));
    my @first = $t->worker_pids;
    my $uid = sub { (Weir::Test::slurp("/proc/$_[0]/status") =~ /^Uid:\s+(\d+)/m)[0] };
    $t->write('html/big', 'x' x 80_000);
    my $runs = $t->connect;
    $runs->send_request('GET', '/big');
    $runs->can('read', time + 10);

    my $text = $t->expand(conf(one_server('two')));
    $text =~ s/^user [^;]*;/user $other;/m or die "no user\n";
    ok $t->reload($text), 'another user';
    is said($t->connect), 'two', 'it is served';
    my %old = map { $_ => 1 } @first;
    is scalar(grep { $old{$_} } $t->worker_pids), 0, 'by new workers';
    is scalar(grep { $uid->($_) == getpwnam $other } $t->worker_pids), 2, 'of that user';
    SKIP: {
        skip 'an nginx says nothing', 1 if is_oracle();
        ok $t->wait_log(qr/\[notice\] .*"user"/), 'the log says why';
    }
    is length $runs->read_response->body, 80_000, 'what ran is finished';
};


# ---- logs ----------------------------------------------------------------------

subtest 'paths of logs' => sub {
    my $logs = sub {
        my ($word) = @_;
        return one_server($word, "location = /none { } location /wait/ { proxy_pass http://$up; }")
            =~ s/(server \{)/log_format f '$word \$uri'; access_log %%TESTDIR%%\/logs\/$word.log f; error_log %%TESTDIR%%\/logs\/$word.err; $1/r;
    };
    my $t = Weir::Test->new;
    # A worker opens those of a retired configuration by itself, if it may.
    $t->expect_log(qr/open\(\) ".*one.err" failed \(13/);
    chmod 0777, $t->mkdir('logs');
    $t->run(conf($logs->('one')));
    wait_until(sub { $t->worker_pids == 2 });
    my $kept = $t->connect;
    $kept->get('/1');
    ok $t->wait_log(qr{^one /1$}, 'logs/one.log'), 'the first';
    my $runs = $t->connect;
    $runs->send_request('GET', '/wait/logs');
    wait_until(sub { grep { $_->uri eq '/wait/logs' } $first->requests });

    ok $t->reload(conf($logs->('two'))), 'other paths';
    $kept = $t->connect if !lives_on();
    $kept->get($_) for '/2', '/none';
    ok $t->wait_log(qr{^two /2$}, 'logs/two.log'), 'the access log';
    ok $t->wait_log(qr{/none" failed}, 'logs/two.err'), 'the error log';
    ok !grep({ m{/2} } $t->log('logs/one.log')), 'not the one before';

    rename $t->path("$_"), $t->path("$_.0") for 'logs/one.log', 'logs/two.log', 'logs/two.err';
    $t->signal('USR1');
    ok wait_until(sub { -e $t->path('logs/one.log') && -e $t->path('logs/two.log') && -e $t->path('logs/two.err') }),
        'USR1 opens all that are in use again';
    # Workers do so when they get to it.
    ok wait_until(sub { $kept->get('/3'); grep { m{^two /3$} } $t->log('logs/two.log') }), 'to be written';
    open_gate('logs');
    is $runs->read_response->status, 200, 'what ran ends';
    ok $t->wait_log(qr{^one /wait/logs$}, 'logs/one.log'),
        'and is logged where it began, in the file that was opened again';
};


# ---- upstreams -----------------------------------------------------------------

subtest 'servers of an upstream' => sub {
    my ($of_a, $of_b) = map { 'server 127.0.0.1:' . $_->port . ';' } $first, $second;
    my $with = sub {
        my ($servers, $zone) = @_;
        return 'upstream u { ' . ($zone ? 'zone u 64k; ' : '') . "$servers keepalive 8; }\n"
            . one_server('x', 'location /up { proxy_pass http://u; proxy_http_version 1.1;'
                . ' proxy_set_header Connection ""; } location /wait/ { proxy_pass http://u; }');
    };
    my $who = sub {
        my ($t) = @_;
        my %n;
        $n{ substr said($t->connect, '/up'), 0, 1 }++ for 1 .. 12;
        return join '', sort keys %n;
    };

    for my $zone (0, 1) {
        my $name = $zone ? 'in a zone' : 'without a zone';
        my $t = start($with->($of_a, $zone));
        is $who->($t), 'a', "$name: one";
        ok $t->reload(conf($with->("$of_a $of_b", $zone))), "$name: reload";
        is $who->($t), 'ab', "$name: one more";
        my @running = map { my $c = $t->connect; $c->send_request('GET', "/wait/up$zone"); $c } 1 .. 4;
        wait_until(sub { 4 == grep { $_->uri eq "/wait/up$zone" } $first->requests, $second->requests });
        ok $t->reload(conf($with->($of_b, $zone))), "$name: reload";
        my $before = $first->requests;
        is $who->($t), 'b', "$name: the first is lost";
        is scalar($first->requests), $before, "$name: and no longer asked, also over idle connections";
        open_gate("up$zone");
        my @said = map { substr $_->read_response->body, 0, 1 } @running;
        like join('', sort @said), qr/^a+b+$/, "$name: what ran is answered by both";
        is scalar(grep { $_ ne '' } @said), 4, "$name: all of it";
        ok $t->reload(conf($with->("$of_b $of_a", $zone))), "$name: reload";
        is $who->($t), 'ab', "$name: it is back";
    }
};


# ---- under way when its configuration is retired ---------------------------------

# A name server that answers when the gate "dns" is open.
my $dns = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp')
    or die "no name server: $!\n";
my $dns_pid = fork // die "fork: $!\n";
if ($dns_pid == 0) {
    $SIG{TERM} = 'DEFAULT';
    while ($dns->recv(my $question, 4096)) {
        open my $out, '>', "$gate/asked";
        wait_until(sub { -e "$gate/dns" }, Weir::Test::slow(20));
        my $type = unpack 'n', substr $question, -4, 2;
        my $id = unpack 'n', $question;
        my $end = index $question, "\0", 12;
        my $asked = substr $question, 12, $end + 5 - 12;
        $type = unpack 'n', substr $asked, -4, 2;
        my @found = $type == 1 ? pack 'C4', 127, 0, 0, 1 : ();
        $dns->send(pack('n6', $id, 0x8180, 1, scalar @found, 0, 0) . $asked
            . join '', map { pack 'n n n N n/a', 0xc00c, 1, 1, 60, $_ } @found);
    }
    POSIX::_exit(0);
}
END { kill 'KILL', $dns_pid if $dns_pid }

sub busy {
    my ($word, $more) = @_;

    return one_server($word, $more) . "log_format f '$word \$uri'; access_log %%TESTDIR%%/access.log f;\n";
}

my $resolver = 'resolver 127.0.0.1:' . $dns->sockport . ' ipv6=off; resolver_timeout 30s;';
my $port_a = $first->port;
my $busy = <<"EOC";
location = /file.html { }
location = /mirrored.html { mirror /wait/mirror; alias %%TESTDIR%%/html/file.html; }
location = /checked.html { auth_request /wait/auth; alias %%TESTDIR%%/html/file.html; }
location = /added.html { add_after_body /wait/add; alias %%TESTDIR%%/html/file.html; }
location = /resolved { $resolver proxy_pass http://\$arg_name:$port_a/found; }
location = /read { aio threads; sendfile off; directio 512; output_buffers 2 32k; limit_rate 400k; }
location = /limited { limit_rate 60k; }
location = /body { client_max_body_size 1m; proxy_pass http://$up; }
location /wait/ { proxy_pass http://$up; }
EOC

# How many configurations are alive.
sub generations {
    my ($t) = @_;
    my ($code, $out) = run_binary('status', '--json', '-c', $t->path('nginx.conf'));

    return $code ? 0 : scalar @{ decode_json($out)->{generations} };
}

sub is_asked {
    my ($name) = @_;

    return wait_until(sub { grep { $_->uri eq "/wait/$name" } $first->requests });
}

# What it is; request; what tells that it has begun; what makes it go on; the
# body of its response.
my $read = join '', map { pack 'N', $_ * 40503 } 1 .. 100_000;
my $limited = join '', map { sprintf "%09d\n", $_ } 1 .. 12_000;
my @cases = (
    ['a mirror', '/mirrored.html', sub { is_asked('mirror') }, 'mirror', "a file\n"],
    ['auth_request', '/checked.html', sub { is_asked('auth') }, 'auth', "a file\n"],
    ['addition', '/added.html', sub { is_asked('add') }, 'add', "a file\na /wait/add\n"],
    ['a query of the resolver', '/resolved?name=slow.test', sub { wait_until(sub { -e "$gate/asked" }) },
     'dns', "a /found\n"],
    ['a read by a thread', '/read', sub { 1 }, 'none', $read],
    ['a delay of limit_rate', '/limited', sub { $_[0]->can('read', time + 10) }, 'none', $limited],
    ['an upstream that has not answered', '/wait/up', sub { is_asked('up') }, 'up', "a /wait/up\n"],
);

for my $case (@cases) {
    my ($what, $uri, $has_begun, $opens, $wanted) = @$case;

    subtest "retired during $what" => sub {
        my $t = Weir::Test->new;
        $t->expect_log(qr/fcntl\(O_DIRECT\)/);
        $t->write('html/file.html', "a file\n");
        $t->write('html/read', $read);
        $t->write('html/limited', $limited);
        $t->run(conf(busy('one', $busy)));
        wait_until(sub { $t->worker_pids == 2 });
        my $c = $t->connect;
        my $process = $c->get('/')->header('X-Process');
        $c->send_request('GET', $uri);
        ok $has_begun->($c), 'it is under way';

        ok $t->reload(conf(busy("word$_"))), "reload $_" for 1 .. 3;
        is said($t->connect), 'word3', 'others get the new one';
        is $t->get('/file.html')->body, "word3\n", 'in which its location is gone';
        open_gate($opens);
        my $r = $c->read_response;
        ok $r->body eq $wanted, 'it ends under the one that it began with'
            or diag length($r->body), ' bytes: ', substr $r->body, 0, 100;
        is $r->header('X-Process'), $process, 'in the same process';
        my ($path) = $uri =~ /^([^?]*)/;
        ok $t->wait_log(qr/^one \Q$path\E$/, 'access.log'), 'and is logged so';
        SKIP: {
            skip 'workers are replaced', 2 if !lives_on();
            is said($c), 'word3', 'the next request on its connection has the new one';
            ok wait_until(sub { generations($t) == 1 }), 'the others are gone';
        }
    };
}

subtest 'retired while a body is received' => sub {
    my $t = start(busy('one', $busy));
    my $c = $t->connect;
    $c->send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
    sleep 0.2;
    ok $t->reload(conf(busy('two'))), 'reload';
    $c->send('67890');
    is $c->read_response->body, "a /body\n", 'it ends under the one that it began with';
};


# ---- how long ------------------------------------------------------------------

subtest 'worker_shutdown_timeout' => sub {
    my $hold = Weir::Backend->tcp(sub {
        my ($c) = @_;
        my $request = Weir::Backend::read_request($c) or return;

        if ($request->uri eq '/tunnel') {
            $c->send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n");
            $c->read_all(Weir::Test::slow(30));
            return;
        }
        $c->send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        $c->send("x") && sleep 0.2 for 1 .. 20; # four seconds
    });
    my $text = 'location / { proxy_pass http://127.0.0.1:' . $hold->port . '; proxy_http_version 1.1;'
        . ' proxy_buffering off; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }';
    my $with = sub { one_server($_[0]) =~ s/location \/ \{/location = \/ {/r =~ s/\}(\s*)\z/ $text }$1/r };
    my @timeout = (main => 'worker_shutdown_timeout 1s;');
    my $t = start($with->('one'), @timeout);
    my $tunnel = sub {
        my $c = $t->connect;
        $c->send_request('GET', '/tunnel', headers => [Upgrade => 'test', Connection => 'Upgrade']);
        return ($c, $c->read_response);
    };
    my $kept = $t->connect;
    is said($kept), 'one', 'a kept connection';
    my ($old, $r) = $tunnel->();
    is $r->status, 101, 'a tunnel';
    my $slow = $t->connect;
    $slow->send_request('GET', '/slow');
    $slow->can('read', time + 10);

    ok $t->reload(conf($with->('two'), @timeout)), 'reload';
    my ($new) = $tunnel->();
    my $later = $t->connect;
    $later->send_request('GET', '/slow');
    ok $old->closed(Weir::Test::slow(20)), 'the tunnel is closed';
    ok !$slow->read_response->complete, 'so is a transfer that has not ended';
    is length $later->read_response->body, 20, 'one that began after it goes on';
    ok $new->quiet(0.1), 'so does a new tunnel';
    SKIP: {
        skip 'workers are replaced', 1 if !lives_on();
        is said($kept), 'two', 'a kept connection is not closed';
    }
    $new->close;
};

done_testing;
