# SPDX-License-Identifier: BSD-2-Clause
#
# Choosing among the servers of a group: round robin with weights, failures,
# backups, limits, ip_hash, hash, least_conn, random.

use strict;
use warnings;

use Compress::Zlib qw(crc32);
use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test;

my $t = Weir::Test->new;

# The servers are of the same configuration and say a letter each; "dead" is a
# port where nobody listens.
my @letters = ('a' .. 'e');
my $servers = join '', map { <<"EOC" } @letters;
    server { listen 127.0.0.1:%%PORT_$_%%; access_log off;
             location / { return 200 $_; }
             location /slow { root %%TESTDIR%%; limit_rate 1k; }
             location /503 { return 503; } }
EOC

my %groups = (
    weights => 'server A weight=5; server B; server C;',
    equal => 'server A; server B; server C;',
    down => 'server A; server B down; server C backup;',
    backup => 'server DEAD; server B backup; server C backup;',
    failed => 'server DEAD max_fails=1 fail_timeout=1s; server B;',
    never => 'server DEAD max_fails=0; server B;',
    dead => 'server DEAD; server DEAD2;',
    single => 'server DEAD;',
    limited => 'server A max_conns=1; server B backup;',
    ip => 'ip_hash; server A; server B weight=2; server C;',
    key => 'hash $arg_k; server A; server B weight=2; server C;',
    ring => 'hash $arg_k consistent; server A; server B weight=2; server C;',
    ring2 => 'hash $arg_k consistent; server A; server B weight=2; server C;'
        . 'server D;',
    ring_dead => 'hash $arg_k consistent; server A; server B weight=2;'
        . 'server C down;',
    busy => 'least_conn; server A; server B; server C;',
    chance => 'random; server A; server B weight=3;',
    two => 'random two least_conn; server A; server B; server C;',
);
my $conf = "%%HTTP%%\n$servers\nproxy_connect_timeout 5s;\n";
for my $name (sort keys %groups) {
    (my $text = $groups{$name}) =~ s/DEAD2/127.0.0.1:%%PORT_dead2%%/;
    $text =~ s/DEAD/127.0.0.1:%%PORT_dead%%/;
    $text =~ s/\b([A-E])\b/'127.0.0.1:%%PORT_' . lc($1) . '%%'/ge;
    $conf .= "upstream $name { $text }\n";
}
$conf .= "server { listen 127.0.0.1:%%PORT%%;\n"
    . "add_header X-Tried \$upstream_addr always;\n"
    . join('', map { "location /$_/ { proxy_pass http://$_/; }\n" } keys %groups)
    . "}\n}\n";
$t->write('slow', 'x' x 20_000);
$t->run($conf);

sub ask {
    my ($group, %opt) = @_;

    return $t->get("/$group/" . ($opt{uri} // ''), %opt);
}

sub letters { my ($group, $n, @a) = @_; return join '', map { ask($group, @a)->body } 1 .. $n }

sub tried { return scalar(my @all = split /, /, $_[0]->header('X-Tried') // '') }

# round robin
is letters('weights', 14), 'aabacaa' x 2, 'weights 5, 1, 1';
is letters('equal', 6), 'abcabc', 'equal weights';
is letters('down', 3), 'aaa', 'down';

# failures
my $r = ask('backup');
is $r->body, 'b', 'a backup, when the others fail';
is tried($r), 2, 'after trying those';
is letters('backup', 3), 'cbc', 'and from then on';
$r = ask('failed');
is $r->body . tried($r), 'b2', 'the next one when one fails';
$r = ask('failed');
is $r->body . tried($r), 'b1', 'which is not asked again';
sleep 2.2;
is scalar(grep { tried(ask('failed')) == 2 } 1 .. 4), 1,
    'until fail_timeout is over';
like join(' ', map { tried(ask('never')) } 1 .. 4), qr/2.*2/, 'max_fails=0';
$r = ask('dead');
is $r->status . tried($r), '5022', 'all have failed';
$r = ask('dead');
is $r->status, 502, 'nobody is left';
is $r->header('X-Tried'), 'dead', 'the group stands for them';
ok $t->wait_log(qr/\[error\] .* no live upstreams while connecting to upstream, client: .*, upstream: "http:\/\/dead\/"/),
    'log: no live upstreams';
ok $t->wait_log(qr/\[warn\] .* upstream server temporarily disabled while connecting to upstream, client: .*, upstream: "http:\/\/127.0.0.1:\d+\/"/),
    'log: temporarily disabled';
is join(' ', map { my $x = ask('single'); $x->status . tried($x) } 1 .. 3),
    '5021 5021 5021', 'a single server is asked each time';

# limits
my $slow = $t->connect;
$slow->send_request('GET', '/limited/slow');
sleep 0.3;
is ask('limited')->body, 'b', 'max_conns';
$slow->close;
ok wait_until(sub { ask('limited')->body eq 'a' }), 'room again';

# by address
my %of = map { my $ip = "127.0.$_.1"; ($_ => ask('ip', local => $ip)->body) } 0 .. 9;
my %again = map { my $ip = "127.0.$_.77"; ($_ => ask('ip', local => $ip)->body) } 0 .. 9;
is_deeply \%again, \%of, 'ip_hash: three bytes of an address decide';
is join('', map { $of{$_} } 0 .. 9), 'abbcabbcab', 'as they always did';

# by key
# 160 points for each unit of weight: the checksum of host, NUL, port, and of
# the point before; a key belongs to the first point at or behind its own.
my %circles;

sub circle {
    my (%weight) = @_;
    my @points;

    for my $name (sort keys %weight) {
        my $before = 0;
        for (1 .. 160 * $weight{$name}) {
            $before = crc32("127.0.0.1\0" . $t->port($name) . pack 'V', $before);
            push @points, [$before, $name];
        }
    }
    return [sort { $a->[0] <=> $b->[0] } @points];
}

sub on_ring {
    my ($key, %weight) = @_;
    my $points = $circles{join ' ', %weight{sort keys %weight}} //= circle(%weight);
    my $hash = crc32($key);

    for my $point (@$points) { return $point->[1] if $point->[0] >= $hash }
    return $points->[0][1];
}

sub map_of { my ($g) = @_; return join '', map { ask($g, uri => "?k=key$_")->body } 1 .. 40 }
is map_of('key'), 'abbbbacacacbbbbcacabbcaacbbbbbbaccabbbbc', 'hash';
my $ring = map_of('ring');
is $ring, join('', map { on_ring("key$_", a => 1, b => 2, c => 1) } 1 .. 40),
    'hash consistent';
my @was = split //, $ring;
{
    my $c = $t->connect;
    my ($got, $want) = ('', '');

    for my $n (1 .. 1000) {
        $c = $t->connect if $n % 500 == 0;
        $got .= $c->get("/ring/?k=much$n")->body;
        $want .= on_ring("much$n", a => 1, b => 2, c => 1);
    }
    is $got, $want, 'the same circle as ever, for 1000 keys';
}
my @now = split //, map_of('ring2');
is scalar(grep { $now[$_] ne $was[$_] && $now[$_] ne 'd' } 0 .. $#was), 0,
    'a new server takes keys, and no others move';
@now = split //, map_of('ring_dead');
is scalar(grep { $now[$_] ne $was[$_] && $was[$_] ne 'c' } 0 .. $#was), 0,
    'those of a server that is down go elsewhere, and no others';

# by load
my @held = map { my $c = $t->connect; $c->send_request('GET', '/busy/slow'); sleep 0.15; $c } 1 .. 2;
my %seen;
$seen{ ask('busy')->body }++ for 1 .. 5;
is scalar(keys %seen), 1, 'least_conn: the one that has nothing to do';
$_->close for @held;

# by chance
%seen = ();
$seen{$_}++ for split //, letters('chance', 60);
cmp_ok $seen{a} // 0, '>', 2, 'random: all are asked';
cmp_ok $seen{b} // 0, '>', $seen{a} // 0, 'in proportion';
%seen = ();
$seen{$_}++ for split //, letters('two', 40);
is scalar(keys %seen), 3, 'random two';

# all workers together
my $z = Weir::Test->new;
$z->run(<<'EOC');
%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    upstream counted { zone counted 64k; server 127.0.0.1:%%PORT_dead%%;
                       server 127.0.0.1:%%PORT_up%%; }
    upstream order { zone counted; server 127.0.0.1:%%PORT_up%%;
                     server 127.0.0.1:%%PORT_up2%%; }
    server { listen 127.0.0.1:%%PORT_up%%; access_log off; return 200 a; }
    server { listen 127.0.0.1:%%PORT_up2%%; access_log off; return 200 b; }
    server {
        listen 127.0.0.1:%%PORT%%;
        add_header X-Tried $upstream_addr;
        location / { proxy_pass http://counted; }
        location /order { proxy_pass http://order; }
    }
}
EOC
wait_until(sub { $z->worker_pids == 2 });
sleep 0.3;
my $twice = grep { tried($z->get('/')) == 2 } 1 .. 100;
is $twice, 1, 'zone: a failure in one worker holds for the other';
like join('', map { $z->get('/order')->body } 1 .. 40), qr/^(?:ab){20}$/,
    'and round robin is one row';

# what configurations say of zones
for my $case (
    ['zone z', '', 'zero size shared memory zone "z"'],
    ['zone z 64k', 'zone z 65k;', 'the size 66560 of shared memory zone "z" '
        . 'conflicts with already declared size 65536'],
    ['zone z 1k', '', 'zone "z" is too small'],
) {
    my ($first, $second, $message) = @$case;
    my $test = conf_test(<<"EOC");
%%GLOBALS%%
events { }
http {
    %%GLOBALS_HTTP%%
    upstream a { server 127.0.0.1; $first; }
    upstream b { server 127.0.0.1; $second }
}
EOC
    is $test->{code}, 1, "$first; $second: refused";
    like $test->{err}, qr/\[emerg\] (?:\d+#\d+: )?\Q$message\E/, 'and why';
    is scalar($test->{err} =~ /syntax is ok/), $first eq 'zone z' ? 1 : '',
        'whether its syntax is ok';
}

# what workers have in use is given back when they die
SKIP: {
    skip 'an nginx counts it for ever', 4 if is_oracle();
    my $d = Weir::Test->new;
    $d->write('slow', 'x' x 50_000);
    $d->run(<<'EOC');
%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    upstream one { zone one 64k; server 127.0.0.1:%%PORT_up%% max_conns=1 max_fails=0; }
    server { listen 127.0.0.1:%%PORT_up%%; access_log off;
             location / { return 200 a; }
             location /slow { root %%TESTDIR%%; limit_rate 1k; } }
    server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://one; } }
}
EOC
    wait_until(sub { $d->worker_pids == 2 });
    is $d->get('/')->status, 200, 'max_conns=1 in a zone';
    my $slow = $d->connect;
    $slow->send_request('GET', '/slow');
    ok wait_until(sub { $d->get('/')->status == 502 }), 'is in use';
    $d->expect_log(qr/exited on signal 9/);
    my @old = $d->worker_pids;
    kill 'KILL', @old;
    my %old = map { $_ => 1 } @old;
    wait_until(sub { my @now = $d->worker_pids; @now == 2 && !grep { $old{$_} } @now });
    ok wait_until(sub { $d->get('/')->status == 200 }), 'the workers die: it is free';
    is join(' ', map { $d->get('/')->status } 1 .. 10), join(' ', (200) x 10),
        'and stays so';
}

done_testing;
