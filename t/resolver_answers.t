# SPDX-License-Identifier: BSD-2-Clause
#
# What name servers may answer, and what is made of it: aliases, TTLs, errors,
# one family only; and servers that do not answer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Time::HiRes qw(sleep time);
use Weir::Test;

my $t = Weir::Test->new;
my $backend = Weir::Backend->http(sub {
    return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
});
my $up = $backend->port;

# ---- a name server: each name has what it says of A and of AAAA, as records
# "TYPE TTL DATA", a code, or "silent"

my ($a, $short) = ('1 60 127.0.0.1', '1 1 127.0.0.1');
my %zone = (
    'one.test' => [ $a ],
    'alias.test' => [ '5 60 one.test', '5 60 one.test' ],
    'twice.test' => [ '5 60 alias.test', '5 60 alias.test' ],
    'onefamily.test' => [ '5 60 one.test' ],
    'both.test' => [ "5 60 one.test,$a" ],
    'six.test' => [ '5 60 six2.test', '5 60 other.test' ],
    'six2.test' => [ $a ],
    'loop.test' => [ '5 60 loop2.test', '5 60 loop2.test' ],
    'loop2.test' => [ '5 60 loop.test', '5 60 loop.test' ],
    'nothing.test' => [ '5 60 gone.test' ],
    'shortalias.test' => [ "5 1 one.test,$a" ],
    'shorthop.test' => [ '5 1 one.test', '5 1 one.test' ],
    'long.test' => [ "5 60 one.test,$a" ],
    'localhost' => [ $a ],
    'a.localhost' => [ $a ],
    'form.test' => [ 1, 1 ], 'fail.test' => [ 2, 2 ],
    'notimp.test' => [ 4, 4 ], 'refuse.test' => [ 5, 5 ],
    'half.test' => [ $a, 2 ], 'otherhalf.test' => [ $a, 5 ],
    'failhalf.test' => [ '', 2 ],
    'slow.test' => [ $a, 'silent' ],
    'silent.test' => [ 'silent', 'silent' ],
    map { ("n$_.test" => [ $a ], "m$_.test" => [ $a ]) } 1 .. 4,
);

sub name_bytes { return pack '(C/a)* x', split /\./, $_[0] }

sub answer { my ($question) = @_;
    my ($id) = unpack 'n', $question;
    my @labels;
    my $q = substr $question, 12;
    while ((my $n = unpack 'C', $q) > 0) {
        push @labels, substr $q, 1, $n;
        substr $q, 0, $n + 1, '';
    }
    my $name = join '.', @labels;
    my $type = unpack 'x n', $q;
    my $says = ($zone{lc $name} || [ 3, 3 ])->[ $type == 28 ] // '';

    return ($name, $type) if $says eq 'silent';
    my $code = $says =~ /^\d$/ ? $says : 0;
    my @records = $code ? () : split /,/, $says;
    my $out = pack('n6', $id, 0x8180 | $code, 1, scalar @records, 0, 0)
        . name_bytes($name) . pack('n n', $type, 1);

    for (@records) {
        my ($kind, $ttl, $data) = split / /;
        $data = $kind == 5 ? name_bytes($data)
            : pack 'C4', split /\./, $data;
        $out .= pack 'n n n N n/a', 0xc00c, $kind, 1, $ttl, $data;
    }
    return ($name, $type, $out);
}

my @pids;
sub name_server { my ($notes, $is_silent) = @_;
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                       Proto => 'udp')
        or die "no name server: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        $SIG{TERM} = 'DEFAULT';
        while (my $from = $socket->recv(my $question, 4096)) {
            my ($name, $type, $out) = answer($question);
            open my $to, '>>', $notes;
            syswrite $to, "$name $type\n";
            close $to;
            $socket->send($out, 0, $from) if defined $out && !$is_silent;
        }
        POSIX::_exit(0);
    }
    push @pids, $pid;
    return '127.0.0.1:' . $socket->sockport;
}
END { kill 'KILL', @pids if @pids }

my $notes = $t->write('questions', '');
my $first = name_server($notes);
my $second = name_server($t->write('second', ''));
my $silent = name_server($t->write('silent', ''), 1);
my $closed = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp');
my $closed_at = '127.0.0.1:' . $closed->sockport;
close $closed;

$t->run(<<"EOC");
%%HTTP%%
    proxy_http_version 1.1;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { resolver $first; resolver_timeout 2s;
                     proxy_pass http://\$arg_name:$up; }
        location /two { resolver $first $second; resolver_timeout 8s;
                        proxy_pass http://\$arg_name:$up; }
        location /silent { resolver $silent $second; resolver_timeout 20s;
                           proxy_pass http://\$arg_name:$up; }
        location /closed { resolver $closed_at $second; resolver_timeout 20s;
                           proxy_pass http://\$arg_name:$up; }
    }
}
EOC

sub ask { my ($name, $path) = @_;
    return $t->get(($path // '/') . "?name=$name")->status }
sub asked { my ($name, $file) = @_;
    return scalar grep { /^\Q$name\E / } $t->log($file // 'questions') }
sub logged { my ($name, $why) = @_;
    return $t->wait_log(qr/$name could not be resolved \(\Q$why\E\)/) }

# ---- aliases

is ask($_), 200, "$_ is an alias" for qw(alias.test twice.test both.test);
is asked('both.test'), 2, 'an alias with its address is asked for once';
SKIP: {
    skip 'nginx follows one alias for both', 3 if is_oracle();
    is ask('onefamily.test'), 200, 'an alias for one family only';
    is ask('six.test'), 200, 'aliases of the families differ';
    is asked('other.test'), 1, 'each is followed on its own';
}
is ask('loop.test'), 502, 'aliases in a circle';
cmp_ok asked('loop.test') + asked('loop2.test'), '<', 50, 'end';
is ask('nothing.test'), 502, 'an alias of nothing';
ok logged('nothing.test', '3: Host not found'), 'and the log says so';

# ---- TTLs

is ask($_), 200, $_ for qw(shortalias.test shorthop.test long.test);
is asked($_), 2, "$_: two types" for qw(shortalias.test shorthop.test);
sleep 2.1;
is ask($_), 200, "$_ again" for qw(shortalias.test shorthop.test long.test);
is asked($_), 4, "$_: the least TTL counts"
    for qw(shortalias.test shorthop.test);
is asked('long.test'), 2, 'what holds longer is remembered';

# ---- localhost

for my $name (qw(localhost a.localhost)) {
    is ask($name), 200, $name;
    is asked($name), 2, "$name is asked for";
}

# ---- errors are final

my %errors = (
    'fail.test' => '2: Server failure',
    'notimp.test' => '4: Unimplemented', 'refuse.test' => '5: Operation refused',
);
# nginx asks again
$errors{'form.test'} = '1: Format error' if !is_oracle();
for my $name (sort keys %errors) {
    is ask($name, '/two'), 502, "$name fails";
    ok logged($name, $errors{$name}), "$name: the log says why";
    # once a type; twice where this machine had no time for a second
    cmp_ok asked($name) + asked($name, 'second'), '<=', 4, "$name: is final";
}
is ask('failhalf.test'), 502, 'no address, and an error';
ok logged('failhalf.test', '2: Server failure'), 'is an error';

# ---- one family

SKIP: {
    skip 'nginx takes the error', 3 if is_oracle();
    is ask($_), 200, "$_: the family that has an answer"
        for qw(half.test otherhalf.test);
    is ask('slow.test'), 200, 'the other one is silent';
}

# ---- servers

for my $i (1 .. 4) {
    is ask("n$i.test", '/two'), 200, "two servers: $i";
}
isnt scalar(grep { /^n\d/ } $t->log('questions')), 0, 'the first has its turn';
isnt scalar(grep { /^n\d/ } $t->log('second')), 0, 'so has the second';

my ($longest, $sum) = (0, 0);
for my $i (1 .. 4) {
    my $start = time;
    is ask("m$i.test", '/silent'), 200, "a silent server: $i";
    my $took = time - $start;
    $sum += $took;
    $longest = $took if $took > $longest;
}
cmp_ok $sum, '<', Weir::Test::slow(12), 'a silent server is not waited for'
    or diag("the longest took $longest s");

is ask("n$_.test", '/closed'), 200, "a server that is not there: $_"
    for 1 .. 3;
ok $t->wait_log(qr/\[error\].*(?:recv|send)\(\) failed \(111: Connection refused\) while resolving, resolver: \Q$closed_at\E/),
    'is logged';

# Questions that are still on their way when their generation goes.
my $c = $t->connect;
$c->send("GET /?name=silent.test HTTP/1.1\r\nHost: a\r\n\r\n");
ok wait_until(sub { asked('silent.test') }), 'a question is asked';
$c->close;
$t->reload;
is ask('one.test'), 200, 'a reload while a question is on its way';
sleep 2.5;
is ask('n1.test'), 200, 'and later';

done_testing;
