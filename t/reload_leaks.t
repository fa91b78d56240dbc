# SPDX-License-Identifier: BSD-2-Clause
#
# Many reloads, of configurations that differ in all that a process opens or
# keeps, with requests in between: neither descriptors nor memory are left.
#
# TEST_SOAK=1: a thousand, instead of two hundred.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use Weir::Test;

my $RELOADS = $ENV{TEST_SOAK} ? 1000 : 200;
my $SETTLED = 10; # reloads after which nothing more is to be gathered
my $MAX_KB = 1024;

need_module('http_rewrite', 'http_proxy', 'threads', 'http_map');

my $backend = Weir::Backend->http(sub {
    return "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere";
});
my $up = $backend->port;

# Of a kind: 0 to 4.
sub conf {
    my ($word, $kind) = @_;
    my $map = join '', map { "~^v$_(.*)\$ \"$kind-\$1\";\n" } 1 .. 20 + $kind;
    my $more = $kind % 2 ? 'server { listen 127.0.0.1:%%PORT_more%%; return 204; }' : '';
    my $socket = $kind == 3 ? 'listen unix:%%TESTDIR%%/more.sock;' : '';
    my $locations = join '', map { "location ~ ^/r$_/(\\d+)\$ { return 200 \"\$1\"; }\n" }
        1 .. 10 * $kind;

    return <<"EOC";
%%GLOBALS%%
worker_processes 2;
error_log %%TESTDIR%%/error-$kind.log warn;
thread_pool p$kind threads=2;
events { }
http {
    %%GLOBALS_HTTP%%
    access_log %%TESTDIR%%/access-$kind.log combined buffer=32k flush=1s;
    keepalive_requests 1000000;
    add_header X-Process \$pid;
    root %%TESTDIR%%/html;
    open_file_cache max=10${kind};
    map \$arg_v \$mapped { default none; $map }
    upstream u { zone u ${\(64 + 64 * ($kind % 3))}k; server 127.0.0.1:$up; keepalive ${\(4 + $kind)};
                 keepalive_requests 1000000; }
    server {
        listen 127.0.0.1:%%PORT%%;
        $socket
        resolver 127.0.0.1:%%PORT_dns%%;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location / { return 200 "$word \$mapped\\n"; }
        location = /file { access_log %%TESTDIR%%/open/\$arg_log.log; }
        location = /threads { aio threads=p$kind; sendfile off; }
        location = /up { proxy_pass http://u; }
        $locations
    }
    $more
}
EOC
}

my $t = Weir::Test->new;
$t->write("html/$_", 'in a file') for qw(file threads);
chmod 0777, $t->mkdir('open');
$t->run(conf('word0', 0));
wait_until(sub { $t->worker_pids == 2 });
my @workers = $t->worker_pids;

# Done when it returns.
sub reload {
    my ($word, $kind) = @_;

    return $t->reload(conf($word, $kind)) if !lives_on();
    $t->conf(conf($word, $kind));
    my $s = IO::Socket::UNIX->new(Peer => $t->path('nginx.pid.control'))
        or return 0;
    $s->syswrite("{\"do\":\"reload\"}\n");
    return (readline($s) // '') =~ /"ok":true/ ? 1 : 0;
}

# Two connections to each worker.
sub connect_all {
    my %of = map { $_ => [] } $t->worker_pids;

    for (1 .. 200) {
        my $c = $t->connect;
        my $list = $of{ $c->get('/')->header('X-Process') } or next;
        push @$list, $c if @$list < 2;
        last if !grep { @$_ < 2 } values %of;
    }
    return map { @$_ } values %of;
}

my @kept = connect_all();

sub is_body {
    my ($c, $uri, $wanted) = @_;
    my $r = $c->get($uri);

    return 1 if $r->body =~ $wanted;
    diag "$uri: ", $r->raw;
    return 0;
}

sub use_it {
    my ($word) = @_;
    my $good = 0;

    @kept = connect_all() if !lives_on();
    for my $c (@kept) {
        $good++ if is_body($c, '/?v=v7x', qr/^$word \d-x$/);
        $good++ if is_body($c, '/up', qr/^here$/);
        $good++ if is_body($c, '/file?log=some', qr/^in a file$/);
        $good++ if is_body($c, '/threads', qr/^in a file$/);
    }
    return $good == 4 * @kept;
}

sub descriptors { my ($pid) = @_; return scalar(() = glob "/proc/$pid/fd/*") }

sub private_kb {
    my ($pid) = @_;
    my $sum = 0;

    $sum += $_ for Weir::Test::slurp("/proc/$pid/smaps_rollup") =~ /^Private_\w+:\s+(\d+)/mg;
    return $sum;
}

sub watched { return ($t->pid, lives_on() ? @workers : ()) }

my (%fds, %memory, $reloaded, $served);
for my $i (1 .. $RELOADS) {
    my $kind = $i % 5;

    $reloaded += reload("word$i", $kind);
    $served += use_it("word$i");
    next if $i != $SETTLED;
    %fds = map { $_ => descriptors($_) } watched();
    %memory = map { $_ => private_kb($_) } watched();
}
is $reloaded, $RELOADS, "$RELOADS reloads";
is $served, $RELOADS, 'each is served';

SKIP: {
    skip 'workers are replaced', 1 if !lives_on();
    is_deeply [sort $t->worker_pids], [sort @workers], 'by the same workers';
}
for my $pid (watched()) {
    my $who = $pid == $t->pid ? 'the master' : 'a worker';

    wait_until(sub { descriptors($pid) <= $fds{$pid} }, Weir::Test::slow(5));
    cmp_ok descriptors($pid), '<=', $fds{$pid}, "descriptors of $who"
        or diag map { "$_ -> " . (readlink // '') . "\n" } glob "/proc/$pid/fd/*";
    SKIP: {
        skip 'memory under a sanitizer', 1 if $ENV{ASAN_OPTIONS} || !lives_on() && !is_oracle();
        wait_until(sub { private_kb($pid) - $memory{$pid} < $MAX_KB }, Weir::Test::slow(5));
        cmp_ok private_kb($pid) - $memory{$pid}, '<', $MAX_KB, "memory of $who";
        note "$memory{$pid} kB, then " . private_kb($pid);
    }
}

done_testing;
