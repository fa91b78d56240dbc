# SPDX-License-Identifier: BSD-2-Clause
#
# A fleet under load: Node processes that are killed, stopped, slowed and started
# again, also on other ports, with names that change their minds; reloads and
# changes through the API in the middle.  No request fails that another server
# could have taken, none that is healthy is left out, what has queued is served,
# and what was counted adds up.  TEST_SOAK=1: for a minute.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);
use Weir::DNS;
use Weir::Load;
use Weir::Test;

plan skip_all => 'not in nginx' if is_oracle();
plan skip_all => 'no node' if system('node -e 0 2>/dev/null') != 0;
plan skip_all => 'built without jansson' if (run_binary('doc', 'api'))[1] !~ /Syntax/;

my $t = Weir::Test->new;
my $dns = Weir::DNS->new($t);
my @names = 'a' .. 'e';

# Answers with its name, after as many milliseconds as the file slow-NAME says.
my $script = $t->write('server.js', <<'EOC');
const http = require('http'), fs = require('fs');
const [name, port, folder] = process.argv.slice(2);
http.createServer((request, response) => {
    let ms = 0;
    try { ms = +fs.readFileSync(`${folder}/slow-${name}`, 'utf8') } catch (e) { }
    const login = request.url.match(/login=(\w+)/);
    setTimeout(() => {
        if (login) response.setHeader('Set-Cookie', `sid=${name}-${login[1]}`);
        response.end(name);
    }, ms);
}).listen(+port, '127.0.0.1', () => console.log('ready'));
EOC

my %pid;
sub begin {
    my ($name, $port) = @_;

    $port //= $t->port($name);

    pipe my $said, my $out or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDOUT, '>&', $out;
        close $said;
        exec 'node', $t->path('server.js'), $name, $port, $t->dir
            or POSIX::_exit(127);
    }
    close $out;
    my $line = <$said> // '';
    die "$name does not start\n" if $line ne "ready\n";
    $pid{$name} = $pid;
}

sub end {
    my ($name) = @_;
    my $pid = delete $pid{$name} or return;

    kill 'CONT', $pid;
    kill 'KILL', $pid;
    waitpid $pid, 0;
}
END { my $code = $?; end($_) for keys %pid; $? = $code }

begin($_) for @names;

# One that moves: each time that it starts, it is somewhere else.
my $moves = 0;
sub move {
    my $port = $t->port('m' . ++$moves);

    end('m');
    begin('m', $port);
    $dns->set('_http._tcp.fleet.test' => ["SRV 1 10 1 $port h.test", 'SRV 1 10 1 ' . $t->port('e') . ' h.test']);
}
$dns->set('h.test' => ['A 60 127.0.0.1']);
move();

sub conf {
    my ($word) = @_;
    my $servers = join ' ', map { 'server 127.0.0.1:' . $t->port($_) . ' max_fails=1 fail_timeout=1s;' } @names;

    return <<"EOC";
%%GLOBALS%%
worker_processes 3;
events {}
http {
    %%GLOBALS_HTTP%%
    access_log off;
    proxy_connect_timeout 500ms;
    proxy_read_timeout 700ms;
    proxy_http_version 1.1;
    proxy_set_header Connection '';
    upstream turns { zone turns 128k; $servers }
    upstream least { zone least 128k; least_conn; $servers }
    upstream fast { zone fast 128k; least_time header; $servers }
    upstream checked { zone checked 128k; queue 100 timeout=20s;
        @{[ $servers =~ s/max_fails=1 fail_timeout=1s/max_fails=0 max_conns=2/gr ]} }
    upstream named { zone named 128k; resolver @{[ $dns->address ]} valid=1s;
        server fleet.test service=http resolve max_fails=1 fail_timeout=1s; }
    upstream learn { zone learn 128k; $servers
        sticky learn create=\$upstream_cookie_sid lookup=\$cookie_sid zone=sid:128k; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /word { return 200 $word; }
        location /api { api write=on; allow 127.0.0.1; deny all; }
        location /turns { proxy_pass http://turns; }
        location /least { proxy_pass http://least; }
        location /fast { proxy_pass http://fast; }
        location /checked { proxy_pass http://checked; health_check interval=200ms; }
        location /named { proxy_pass http://named; }
        location /learn { proxy_pass http://learn; }
    }
}
EOC
}
$t->run(conf('w0'));
$t->expect_log(qr/Connection refused|temporarily disabled|timed out|prematurely closed|reset by peer|no live upstreams|Broken pipe/);

sub api {
    my ($path) = @_;

    return decode_json($t->get("/api/9/http/upstreams/$path")->body);
}

sub total { my ($group) = @_; my $n = 0; $n += $_->{responses}{'2xx'} for @{ api($group)->{peers} }; return $n }

my $words = 0;
sub reload {
    my $word = 'w' . ++$words;

    $t->conf(conf($word));
    $t->signal('HUP');
    return wait_until(sub { $t->get('/word')->body eq $word });
}

# sessions, and a drained server
my %of = map { my $n = $_; ($n => $t->get("/learn?login=$n")->body) } 1 .. 10;
my $drained = $t->request('PATCH', '/api/9/http/upstreams/turns/servers/4', body => '{"drain":true}');
is $drained->status, 200, 'one is drained';
ok wait_until(sub { !grep { $t->get('/learn', headers => [Cookie => "sid=$of{$_}-$_"])->body ne $of{$_} } keys %of }),
    'sessions are learnt';

my @groups = qw(turns least fast);
my %before = map { ($_ => total($_)) } @groups, 'checked';
my $load = Weir::Load->start(map { Weir::Load::asking($t, request => ['GET', "/$_"]) } @groups);
my $mover = Weir::Load->start(Weir::Load::asking($t, request => ['GET', '/named']));
my $crowd = Weir::Load->start(map { Weir::Load::asking($t, request => ['GET', '/checked']) } 1 .. 12);

# Who is healthy is not left out: while a server has nothing to do and is asked
# three times how it is, and others get fifty requests, it gets one as well.
my (%since, %left_out);
sub watch {
    my ($seconds) = @_;
    my $end = time + $seconds;

    do {
        my $peers = api('checked')->{peers};
        my $all = 0;

        $all += $_->{requests} for @$peers;
        for my $p (@$peers) {
            my $s = $since{ $p->{server} };

            $since{ $p->{server} } = { all => $all, requests => $p->{requests}, checks => $p->{health_checks}{checks} }
                if !$s || $p->{state} ne 'up' || $p->{active} || $p->{requests} != $s->{requests};
            $left_out{ $p->{server} }++
                if $s && $p->{state} eq 'up' && !$p->{active} && $p->{requests} == $s->{requests}
                    && $p->{health_checks}{checks} > $s->{checks} + 3 && $all > $s->{all} + 50;
        }
        sleep 0.05;
    } while (time < $end);
}

my $until = time + ($ENV{TEST_SOAK} ? 60 : 0);
my $rounds = 0;

do {
    my ($x, $y, $z) = @names[map { ($rounds + $_) % 4 } 0 .. 2];

    end($x);                                # killed
    watch(0.4);
    kill 'STOP', $pid{$y};                  # hangs
    watch(0.3);
    ok reload(), 'a reload while one is dead and one hangs' if $rounds == 0;
    reload() if $rounds;
    begin($x);
    move();
    watch(0.8);
    kill 'CONT', $pid{$y};
    $t->write("slow-$z", 150);              # slow
    $dns->set('_http._tcp.fleet.test' => ['rcode 2']) if $rounds % 2;
    watch(1);
    unlink $t->path("slow-$z");
    $rounds++;
} while (time < $until);

my ($crowd_made, $crowd_failed, $crowd_why) = $crowd->stop;
my ($mover_made, $mover_failed, $mover_why) = $mover->stop;
my ($made, $failed, $why) = $load->stop;
ok $made > 50, "$made requests";
is $failed, 0, 'none has failed' or diag $why;
ok $crowd_made > 50, "$crowd_made requests that may have to queue";
is $crowd_failed, 0, 'none has failed' or diag $crowd_why;
ok $mover_made > 10, "$mover_made requests to a server that moves";
is $mover_failed, 0, 'none has failed' or diag $mover_why;
is join(' ', sort keys %left_out), '', 'no healthy server was left out';
ok wait_until(sub { api('checked')->{queue}{size} == 0 }), 'the queue is empty';

my $served = 0;
my $all = wait_until(sub {
    $served = 0;
    $served += total($_) - $before{$_} for @groups;
    return $served >= $made;
});
is $served, $made, 'each was answered by one server, as far as they count';
wait_until(sub { total('checked') - $before{checked} >= $crowd_made });
is total('checked') - $before{checked}, $crowd_made, '... those that had queued, too';
for my $group (@groups) {
    my $peers = api($group)->{peers};
    ok wait_until(sub { !grep { $_->{active} } @{ api($group)->{peers} } }), "$group: nothing is left over";
    my $bad = grep { $_->{requests} < $_->{responses}{total} } @$peers;
    is $bad, 0, "$group: no more responses than requests";
    ok((grep { $_->{fails} } @$peers) > 0, "$group: failures were counted");
}
is api('turns')->{peers}[4]{state}, 'draining', 'drained through all reloads';
is api('turns')->{peers}[4]{requests}, 0, '... and nobody came' if $before{turns} == 0;
ok $_->{header_time} > 0, 'times are known' for (grep { $_->{requests} } @{ api('fast')->{peers} })[0];

# All are back: each gets something again.
ok wait_until(sub { my %n; $n{ $t->get('/least')->body }++ for 1 .. 10; keys %n == 5 }, 20), 'all are asked again';
my %lost = map { ($_ => 1) } grep { $t->get('/learn', headers => [Cookie => "sid=$of{$_}-$_"])->body ne $of{$_} } keys %of;
is join(' ', sort keys %lost), '', 'sessions are where they were';

done_testing;
