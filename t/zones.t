# SPDX-License-Identifier: BSD-2-Clause
#
# Shared memory: what is in a zone over reloads, the deaths of workers, and
# changes of the binary.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test;

plan(skip_all => 'an nginx begins zones of upstreams anew with each reload')
    if is_oracle();

# The servers of a request, as many as were tried.
sub tried { return scalar split /, /, $_[0]->header('X-Tried') // '' }

# How many of so many requests tried more than one server.
sub failures {
    my ($t, $n) = @_;

    return scalar grep { tried($t->get('/')) > 1 } 1 .. $n;
}

my $servers = <<'EOC';
    server { listen 127.0.0.1:%%PORT_up%%; access_log off; return 200 a; }
    server { listen 127.0.0.1:%%PORT_up2%%; access_log off; return 200 b; }
    server {
        listen 127.0.0.1:%%PORT%%;
        add_header X-Tried $upstream_addr;
        location / { proxy_pass http://group; }
        location = /status { stub_status; }
    }
EOC

# with($group): a configuration with that upstream.
sub with {
    my ($group, $main) = @_;

    $main //= '';
    return <<"EOC";
%%GLOBALS%%
worker_processes 2;
$main
events { }
http {
    %%GLOBALS_HTTP%%
    upstream group { $group }
$servers
}
EOC
}

my $dead = 'server 127.0.0.1:%%PORT_dead%% max_fails=1 fail_timeout=1h;';
my $up = 'server 127.0.0.1:%%PORT_up%%;';
my $up2 = 'server 127.0.0.1:%%PORT_up2%%;';

# ---- reloads

{
    my $t = Weir::Test->new;
    $t->run(with("zone z 64k; $dead $up"));
    wait_until(sub { $t->worker_pids == 2 });
    is failures($t, 20), 1, 'a server fails once';
    my @workers = sort $t->worker_pids;
    ok $t->reload, 'a reload';
    is failures($t, 20), 0, 'the failure is remembered';
    ok $t->reload(with("zone z 64k; $up2 $up $dead")), 'with another server';
    is failures($t, 20), 0, 'those that stay keep their state';
    is join(' ', sort map { $t->get('/')->body } 1 .. 6), 'a a a b b b',
        'the new one takes its turn';
    ok !grep({ /begins anew/ } $t->log), 'nothing is lost so far';

    ok $t->reload(with("zone z 128k; $up2 $up $dead")), 'with another size';
    ok $t->wait_log(qr/\[warn\] \d+#\d+: shared memory zone "z" begins anew: its size was 65536 and is 131072$/),
        'the log says what follows';
    is failures($t, 20), 1, 'the server fails once more';
    SKIP: {
        skip 'workers are replaced', 1 if !lives_on();
        is join(' ', sort $t->worker_pids), "@workers",
            'all of that in the same workers';
    }

    ok !$t->reload(with("zone z 256k; $up $dead") . 'error'), 'a bad one';
    $t->expect_log(qr/unexpected end of file|too small for the servers/);
    is failures($t, 20), 0, 'changes nothing';
    my $many = join ' ', map { "server 127.0.0.1:$_;" } 1 .. 1000;
    ok !$t->reload(with("zone z 32k; $many")), 'a zone that is too small';
    ok $t->wait_log(qr/\[emerg\] \d+#\d+: zone "z" is too small for the servers of upstream "group"$/),
        'is an error';
    is failures($t, 20), 0, 'and changes nothing';

    my $test = conf_test(with("zone z 64k; $up $dead"), test => $t);
    is $test->{code}, 0, 'another size in a test';
    unlike $test->{err}, qr/anew/, 'means nothing';
    $test = conf_test(with("zone z 32k; $many"), test => $t);
    like $test->{err}, qr/zone "z" is too small for the servers/,
        'but one that is too small is found';
    is failures($t, 20), 0, 'all is as it was';
}

# ---- memory

{
    # What all processes share of a server, whatever its address is; each worker
    # has eight bytes more for it (t/unit/balance.c: all of it, with two).
    my $thousand = join ' ', map { sprintf 'server [2001:db8:1234:5678:9abc:def0:1234:%x]:65535;', $_ } 0x1000 .. 0x1000 + 999;
    my $test = conf_test("events { } http { upstream u { zone u 400k; $thousand } }");

    is $test->{code}, 0, 'a server takes at most 400 bytes of a zone' or diag $test->{err};
}

# ---- many reloads leave nothing behind

# Descriptors of zones that a process has; those of its own begin with "(".
sub zone_files {
    my ($pid) = @_;

    return scalar grep { (readlink($_) // '') =~ /memfd:weir zone \w/ }
        glob "/proc/$pid/fd/*";
}

# Zones that are mapped in a process.
sub zone_maps {
    my ($pid) = @_;

    return scalar grep { /memfd:weir zone \w/ }
        split /\n/, Weir::Test::slurp("/proc/$pid/maps");
}

{
    my $t = Weir::Test->new;
    my %group = (one => "zone z 64k; $up", two => "zone z 128k; $up",
                 other => "zone y 64k; $up", none => $up);
    $t->run(with($group{one}));
    wait_until(sub { $t->worker_pids == 2 });
    my @kinds = ((qw(two one other two none one)) x 5);
    my $good = grep { $t->reload(with($group{$_})) && $t->get('/')->body eq 'a' }
        @kinds;
    is $good, @kinds, 'reloads with other zones';
    is zone_files($t->pid), 1, 'one zone is open';
    is zone_maps($t->pid), 1, 'and mapped';
    ok wait_until(sub { !grep { zone_maps($_) != 1 } $t->worker_pids }),
        'in workers, too';
    ok !grep({ zone_files($_) > 1 } $t->worker_pids), 'where no more are open';
}

# ---- a single process

{
    my $t = Weir::Test->new;
    $t->run(with("zone z 64k; $dead $up", 'master_process off;'));
    is failures($t, 20), 1, 'a single process';
    $t->conf(with("zone z 64k; $dead $up2", 'master_process off;'));
    $t->signal('HUP');
    ok wait_until(sub { $t->get('/')->body eq 'b' }), 'a reload';
    is failures($t, 20), 0, 'the failure is remembered';
}

# ---- only who takes a configuration over makes zones

SKIP: {
    my ($strace) = grep { -x } '/usr/bin/strace';
    my $t = Weir::Test->new;

    $t->conf(with("zone z 64k; $up"));
    skip 'no strace', 3 if !$strace
        || system("$strace -o /dev/null true 2>/dev/null") != 0;
    for my $args (['-t'], ['-T'], ['explain', 'http://localhost/']) {
        my $first = shift @$args;
        my @where = ('-c', $t->path('nginx.conf'));

        push @where, '-p', $t->dir . '/', '-e', 'stderr' if $first =~ /^-/;
        system "$strace -f -e trace=memfd_create -o " . $t->path('trace')
            . ' ' . readlink(Weir::Test::binary_path())
            . " $first @where @$args >/dev/null 2>&1";
        unlike $t->read('trace'), qr/memfd_create/, "$first: none is made";
    }
}

# ---- workers that are killed

{
    my $t = Weir::Test->new;
    my $slow = <<'EOC';
    server { listen 127.0.0.1:%%PORT_slow%%; access_log off;
             location / { return 200 s; }
             location /slow { root %%TESTDIR%%; limit_rate 1k; } }
EOC
    my $conf = with('zone z 64k; server 127.0.0.1:%%PORT_slow%% max_conns=20 max_fails=0;');
    $conf =~ s/^    server \{/$slow    server {/m;
    $t->write('slow', 'x' x 50_000);
    $t->run($conf);
    wait_until(sub { $t->worker_pids == 2 });
    $t->expect_log(qr/exited on signal 9/, qr/no live upstreams/);
    # Until all places are taken: those of requests that end may be late to be
    # free.
    my @held;
    my $fill = sub {
        push @held, map { my $c = $t->connect;
                          $c->send_request('GET', '/slow'); $c } 1 .. 5;
        return $t->get('/')->status == 502;
    };
    for my $round (1 .. 6) {
        ok wait_until($fill), "all places are taken ($round)";
        ok $t->reload, 'over a reload, too' if $round % 3 == 2;
        my %old = map { $_ => 1 } Weir::Test::children($t->pid);
        kill 'KILL', keys %old;
        @held = (); # some may wait to be accepted by the next workers
        wait_until(sub { my @now = Weir::Test::children($t->pid);
                         @now == 2 && !grep { $old{$_} } @now });
        ok wait_until(sub { $t->get('/')->status == 200 }),
            "killed: places are free ($round)";
    }
}

# ---- another binary

my $nginx = '/usr/sbin/nginx';
my $weir = readlink Weir::Test::binary_path();
my $temp = join '', map { "${_}_temp_path %%TESTDIR%%/${_}_temp;\n" }
    qw(client_body proxy fastcgi uwsgi scgi);

# What both can do.
sub portable {
    my ($group) = @_;
    my $user = $> == 0 ? 'user ' . join(' ', Weir::Test::worker_user()) . ';'
        : '';

    return <<"EOC";
daemon on;
pid %%TESTDIR%%/nginx.pid;
error_log %%TESTDIR%%/error.log info;
$user
worker_processes 2;
events { }
http {
    access_log off;
    $temp
    upstream group { $group }
$servers
}
EOC
}

sub pid_now { return $_[0]->read('nginx.pid') =~ /^(\d+)\n\z/ ? $1 : 0 }

sub use_binary {
    my ($t, $path) = @_;

    unlink $t->path('nginx');
    symlink $path, $t->path('nginx') or die "symlink: $!\n";
    return;
}

sub start {
    my ($t, $path) = @_;

    use_binary($t, $path);
    chdir $t->dir;
    system $t->path('nginx'), '-p', $t->dir, '-c', 'nginx.conf', '-e', 'error.log';
    return wait_until(sub { pid_now($t)
                            && Weir::Test::children(pid_now($t)) == 2 });
}

# begin($t, $binary): a new master beside the one that runs: both their pids.
sub begin {
    my ($t, $path) = @_;
    my $old = pid_now($t);

    use_binary($t, $path);
    $t->signal('USR2', $old);
    my $new = $t->new_pid($old);
    wait_until(sub { Weir::Test::children($new) == 2 });
    return ($old, $new);
}

sub finish {
    my ($t, $pid) = @_;

    $t->signal('QUIT', $pid);
    # Gone, or not waited for by its parent; its children have another one then.
    return wait_until(sub { Weir::Test::slurp("/proc/$pid/stat") !~ /\) [^ZX] / });
}

sub change {
    my ($t, $path) = @_;
    my ($old, $new) = begin($t, $path);

    finish($t, $old);
    return $new;
}

sub requests { return ($_[0]->get('/status')->body =~ /^ \d+ \d+ (\d+) $/m)[0] }

{
    my $t = Weir::Test->new;
    $t->conf(portable("zone z 64k; $dead $up"));
    ok start($t, $weir), 'in the background';
    is failures($t, 20), 1, 'a server fails once';
    my $n = requests($t);
    my $files = zone_files(pid_now($t));

    my ($old, $new) = begin($t, $weir);
    cmp_ok requests($t), '>', $n, 'a new binary: the requests before count';
    is failures($t, 20), 0, 'and so does the failure';
    finish($t, $new);
    ok wait_until(sub { pid_now($t) == $old }), 'and back';
    is failures($t, 20), 0, 'the failure is remembered';
    cmp_ok requests($t), '>=', $n + 40, 'and the requests';

    $n = requests($t);
    change($t, $weir) for 1 .. 3;
    cmp_ok requests($t), '>', $n, 'three times: requests are counted on';
    is failures($t, 20), 0, 'the failure is remembered';
    is zone_files(pid_now($t)), $files, 'nothing is left open';
    ok !grep({ /anew/ } $t->log), 'nothing began anew';

    $t->conf(portable("zone z 128k; $dead $up"));
    change($t, $weir);
    ok $t->wait_log(qr/"z" begins anew: its size was 65536 and is 131072$/),
        'another size: it begins anew';
    is failures($t, 20), 1, 'and the server fails again';

    $t->conf(portable("$dead $up"));
    change($t, $weir);
    is zone_files(pid_now($t)), $files - 1, 'one without a use is closed';
    finish($t, pid_now($t));
}

{
    my $t = Weir::Test->new;
    my $conf = portable("zone z 64k; $up");
    $conf =~ s/upstream group/limit_req_zone \$server_port zone=l:64k rate=1r\/m;\n$&/;
    $conf =~ s/(?=proxy_pass http:..group)/limit_req zone=l; /;
    $t->conf($conf);
    ok start($t, $weir), 'a limit';
    is join(' ', map { $t->get('/')->status } 1 .. 2), '200 503', 'is reached';
    change($t, $weir);
    is $t->get('/')->status, 503, 'also in a new binary';
    finish($t, pid_now($t));
}

SKIP: {
    skip 'no nginx', 9 if !-x $nginx;
    my $t = Weir::Test->new;
    $t->conf(portable("zone z 64k; $dead $up"));
    ok start($t, $nginx), 'an nginx';
    is $t->get('/')->body, 'a', 'serves';
    change($t, $weir);
    is failures($t, 20), 1, 'from it: a server fails once';
    my $n = requests($t);
    is zone_files(pid_now($t)), 1, 'a zone is there';
    change($t, $nginx);
    is $t->get('/')->body, 'a', 'to it: it serves';
    cmp_ok requests($t), '<', $n, 'and counts from the start';
    change($t, $weir);
    is failures($t, 20), 1, 'from it again: the server fails once';
    ok !grep({ /anew|\[alert\]|\[emerg\]/ } $t->log), 'nothing to complain of';
    ok finish($t, pid_now($t)), 'the end';
}

done_testing;
