# SPDX-License-Identifier: BSD-2-Clause
#
# memcached: requests that come while others wait share a connection, and each
# gets its own answer, whatever becomes of those before it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use List::Util qw(shuffle);
use Time::HiRes qw(sleep time);
use Weir::Program;
use Weir::Test;

need_module('http_memcached');
need_program('memcached');
plan skip_all => 'nginx shares no connections' if is_oracle();

my $t = Weir::Test->new;
my $port = $t->port('memcached');
my $large = join '', map { pack 'N', $_ * 7919 } 1 .. 1_000_000;

# value($key, $bytes): as memcached gives it
sub value { return sprintf "VALUE %s 0 %d\r\n%s\r\nEND\r\n", $_[0], length $_[1], $_[1] }
sub plain { return value($_[0], "of $_[0]") }

# What a server says that has read all of a case's requests, that of
# /CASE/first and those of /CASE/1 to /CASE/5; then it closes where it says
# nothing to the last one.
my %cases = (
    plain => sub { map { plain($_) } @_ },
    missing => sub { plain($_[0]), "END\r\n", plain($_[2]), ("END\r\n") x 3 },
    garbage => sub { "hello\r\n", map { plain($_) } @_[1 .. 5] },
    error => sub { plain($_[0]), "SERVER_ERROR out of memory\r\n" },
    key => sub { plain($_[0]), plain('/other'), map { plain($_) } @_[2 .. 5] },
    trailer => sub { value($_[0], 'five!') =~ s/five!/five! and more/r },
    close => sub { () },
    cut => sub { "VALUE $_[0] 0 100\r\nabc" },
    middle => sub { plain($_[0]), plain($_[1]), "VALUE $_[2] 0 9\r\nabc" },
    silent => sub { sleep 2; () },
    slow => sub { value($_[0], $large), map { plain($_) } @_[1 .. 5] },
    left => sub { sleep 0.3; map { plain($_) } @_ },
    left_large => sub { sleep 0.3; value($_[0], $large), map { plain($_) } @_[1 .. 5] },
    limit => sub { sleep 2; map { plain($_) } @_ },
    bunch => sub { map { plain($_) } @_ },
    long => sub { map { plain($_) } @_ },
    next => sub { () },
    reused => sub { map { plain($_) } @_ },
);

my $stub = Weir::Backend->tcp(sub {
    my ($c) = @_;

    while (defined(my $line = $c->read_until(qr/\r\n/))) {
        my @keys = $line =~ /^get (\S+)/ or return;

        if ($keys[0] !~ m{^/(\w+)/first$}) {
            $c->send(plain($keys[0]));
            next;
        }
        my $case = $cases{$1};
        while (@keys < 6) {
            ($c->read_until(qr/\r\n/) // return) =~ /^get (\S+)/;
            push @keys, $1;
        }
        my @said = $case->(@keys);
        $c->send(join '', @said);
        return if @said < 6;
    }
});
my $stub_port = $stub->port;
my $groups = join '', map {
    my $more = $_ eq 'next'
        ? "max_fails=2 fail_timeout=60s; server 127.0.0.1:$port backup"
        : $_ =~ /^(left|limit)$/ ? 'max_conns=6' : '';
    my $requests = $_ eq 'reused' ? 'keepalive_requests 4;' : '';
    my $zone = $_ eq 'limit' ? 'zone limit 128k; least_conn;' : '';
    "upstream $_ { $zone server 127.0.0.1:$stub_port $more; keepalive 2; $requests }\n"
} keys %cases;
my $locations = join '', map { "location /$_/ { memcached_pass $_; }\n" }
    grep { $_ ne "silent" } keys %cases;

sub start_memcached {
    return Weir::Program->new(
        command => ['memcached', '-l', '127.0.0.1', '-p', $port, '-U', 0,
                    '-I', '8m', $> == 0 ? ('-u', 'nobody') : ()],
        ports => [$port], log => $t->path('memcached.log'));
}

my $memcached = start_memcached();
my %values;

sub store_all {
    my $store = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
        or die "memcached: $!\n";

    for my $key (keys %values) {
        printf $store "set %s 0 0 %d\r\n%s\r\n", $key, length $values{$key}, $values{$key};
        die "memcached does not store\n" if <$store> ne "STORED\r\n";
    }
}

my $n = 0;
for my $size (0, 1, 2, 7, 100, (map { $_ * 111 } 1 .. 20), 4096, 16384, 20000,
              32700 .. 32720, 40000, 65536, 100_000, 300_000, 1_000_000) {
    my $key = "/real/" . ++$n;

    # What looks like an end is in each of them.
    $values{$key} = substr "$key\r\nEND\r\n" x ($size / 8 + 1), 0, $size;
}
store_all();

$t->run(<<"EOC");
%%HTTP%%
    $groups
    upstream real { server 127.0.0.1:$port max_fails=0; keepalive 4; }
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=32k;
        set \$memcached_key \$uri;
        memcached_read_timeout 5s;
        memcached_next_upstream_timeout 5s;
        add_header X-Tries "\$upstream_addr \$upstream_status" always;
        $locations
        location /silent/ { memcached_read_timeout 500ms; memcached_pass silent; }
        location /real/ { memcached_pass real; }
    }
}
EOC

# begin($case): the clients of a case; the first one's request is there before
# the others come.
sub begin {
    my ($case) = @_;
    my $before = $stub->connections;
    my @c = map { $t->connect } 0 .. 5;

    $c[0]->send_request('GET', "/$case/first");
    for (1 .. 100) {
        last if $stub->connections > $before;
        sleep 0.01;
    }
    sleep 0.1;
    for (1 .. 5) {
        $c[$_]->send_request('GET', "/$case/$_");
        sleep 0.01;
    }
    return @c;
}

# told($client): status, body
sub told {
    my $r = $_[0]->read_response;

    return join ' ', $r->complete ? () : 'incomplete', $r->status,
        $r->status == 200 ? $r->body : ();
}

# others_are($case, $name, @clients): what those behind have got
sub others_are {
    my ($case, $name, @c) = @_;
    my %want = map { $_ => "200 of /$case/$_" } 1 .. 5;

    is join(', ', map { told($c[$_]) } grep { $c[$_] } 1 .. 5),
        join(', ', map { $want{$_} } grep { $c[$_] } 1 .. 5), $name;
}

sub connections_of(&) {
    my ($do) = @_;
    my $before = $stub->connections;

    $do->();
    return $stub->connections - $before;
}

# ---- in order

is connections_of {
    my @c = begin('plain');

    is told($c[0]), '200 of /plain/first', 'the first answer';
    others_are('plain', '... and those of the others', @c);
}, 1, '... over one connection';

my @c = begin('missing');
is join(', ', map { told($_) } @c),
    '200 of /missing/first, 404, 200 of /missing/2, 404, 404, 404',
    'some values are missing';

is connections_of {
    @c = begin('reused');
    is join(', ', map { told($_) } @c[4, 5]), '200 of /reused/4, 200 of /reused/5',
        'keepalive_requests: those behind have another connection';
    $t->connect->get("/reused/$_") for 1 .. 2;
}, 2, '... which is used again';

# ---- answers that break

for my $case (['garbage', 'hello'], ['close', 'prematurely closed'],
              ['silent', 'timed out']) {
    my ($name, $line) = @$case;

    is connections_of {
        @c = begin($name);
        is told($c[0]), $name eq 'silent' ? '504' : '502', "$name: the first one fails";
        others_are($name, '... the others have their answers', @c);
    }, 2, '... over another connection';
    is scalar(() = $t->read('error.log') =~ /\Q$line\E.*?GET \/$name\//g), 1,
        '... and one line tells of it';
}

for my $name (qw(cut trailer)) {
    @c = begin($name);
    is told($c[0]), $name eq 'cut' ? 'incomplete 200 abc' : '200 five!',
        "$name: as much as there is";
    others_are($name, '... the others', @c);
}

for my $case (['error', 1, '502'], ['key', 1, '502'],
              ['middle', 2, 'incomplete 200 abc']) {
    my ($name, $which, $what) = @$case;
    my @want = map { "200 of /$name/$_" } 'first', 1 .. 5;

    $want[$which] = $what;
    @c = begin($name);
    is join(', ', map { told($_) } @c), join(', ', @want), "$name: number $which";
}

@c = begin('next');
is told($c[0]), '404', 'a server that fails: the next one is asked';
others_are('next', '... the others have the same one again', @c);
like $t->get('/next/1')->header('X-Tries'), qr/^127.0.0.1:$stub_port 200$/,
    '... which has failed once';

# ---- clients

is connections_of {
    @c = begin('slow');
    my $start = time;
    others_are('slow', 'a slow client: the others do not wait', @c);
    cmp_ok time - $start, '<', 3, '... for long';
    unlike $t->read('error.log'), qr/\/slow\//, '... and nothing has failed';
    ok $c[0]->read_response->body eq $large, '... it gets all of its value';
}, 2, '... the others share another connection';

is connections_of {
    @c = begin('left');
    (delete $c[$_])->close for 2, 4;
    is told($c[0]), '200 of /left/first', 'clients that leave: the first one';
    others_are('left', '... and the others', @c);
}, 1, '... over one connection';

@c = begin('left_large');
(delete $c[0])->close;
others_are('left_large', 'one that leaves a large value', @c);

is connections_of {
    @c = begin('limit');
    is $t->get('/limit/6')->status, 502, 'max_conns: requests count, not connections';
    (delete $c[$_])->close for 1, 3;
    sleep 0.2;
    my @more = map { $t->connect } 7, 8;
    $more[$_]->send_request('GET', '/limit/' . (7 + $_)) for 0, 1;
    sleep 0.1;
    is $t->get('/limit/9')->status, 502, '... and as many as have left';
    is told($c[0]), '200 of /limit/first', '... the first answer';
    others_are('limit', '... those of the others', @c);
    is join(', ', map { told($_) } @more), '200 of /limit/7, 200 of /limit/8',
        '... and of those behind';
    is $t->get('/limit/10')->status, 200, '... then there is room';
}, 1, '... over one connection';

is connections_of {
    my $key = '/long/' . 'x' x 250;
    my $before = $stub->connections;
    my $first = $t->connect;

    $first->send_request('GET', '/long/first');
    for (1 .. 100) {
        last if $stub->connections > $before;
        sleep 0.01;
    }
    is $t->get($key)->body, "of $key", 'a long key does not wait for others';
    my @more = map { $t->connect } 1 .. 5;
    $more[$_ - 1]->send_request('GET', "/long/$_") for 1 .. 5;
    is told($first), '200 of /long/first', '... the first answer';
}, 2, '... it has a connection of its own';

# ---- a real server

# rounds($rounds, $is_down): clients ask for values, all at once, and read them in
# another order; the number of answers that are wrong.
sub rounds {
    my ($rounds, $is_down) = @_;
    my @clients = map { $t->connect } 1 .. 24;
    my $wrong = 0;

    for my $round (1 .. $rounds) {
        my @keys = map { (keys %values)[rand keys %values] } @clients;

        $keys[rand @keys] = '/real/none' for 1 .. 3;
        $clients[$_]->send_request($round % 5 ? 'GET' : 'HEAD', $keys[$_])
            for shuffle 0 .. $#clients;
        $is_down->($round) if $is_down;
        for my $i (shuffle 0 .. $#clients) {
            if (rand() < 0.05) {
                $clients[$i]->close;
            } else {
                my $r = $clients[$i]->read_response;
                my $value = $values{ $keys[$i] };

                next if $is_down && $r->status =~ /^(404|502)$/;
                if ($r->status != (defined $value ? 200 : 404)) {
                    $wrong++;
                } elsif (defined $value && $round % 5) {
                    $wrong++ if $is_down && !$r->complete
                        ? index $value, $r->body : $r->body ne $value;
                }
                next if $r->complete;
            }
            $clients[$i] = $t->connect;
        }
    }
    return $wrong;
}

is rounds(30), 0, 'a real server: all values are right';
is rounds(12, sub {
    return if $_[0] % 3;
    $memcached->stop;
    $memcached = start_memcached();
    store_all();
}), 0, '... or none, while it is started again';
is rounds(5), 0, '... and after that';

done_testing;
