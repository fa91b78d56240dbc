# SPDX-License-Identifier: BSD-2-Clause
#
# Names that variables give to proxy_pass are looked up while the server runs:
# resolver, its parameters, and what happens when a name is not found.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Time::HiRes qw(sleep time);
use Weir::Test;

my $t = Weir::Test->new;
my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my $host = $request->header('Host');

    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($host)
        . "\r\n\r\n$host";
});
my $up = $backend->port;

# A name server that knows a few names, and notes each question in a file.
my $dns = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp')
    or die "no name server: $!\n";
my $dns_port = $dns->sockport;
my $notes = $t->write('questions', '');
my $pid = fork // die "fork: $!\n";
if ($pid == 0) {
    $SIG{TERM} = 'DEFAULT';
    serve();
    POSIX::_exit(0);
}

sub serve {
    while ($dns->recv(my $question, 4096)) {
        my ($id, undef, undef, $rest) = unpack 'n n n a*', $question;
        my @labels;
        my $q = substr $question, 12;
        while ((my $n = unpack 'C', $q) > 0) {
            push @labels, substr $q, 1, $n;
            substr $q, 0, $n + 1, '';
        }
        my $name = lc join '.', @labels;
        my $type = unpack 'x n', $q;
        my $asked = substr $question, 12, length($question) - 12;
        $asked = pack('(C/a)*', @labels) . pack 'C n n', 0, $type, 1;
        open my $out, '>>', $notes;
        syswrite $out, "$name $type\n";
        close $out;
        next if $name eq 'silent.test';
        sleep 0.05 if $type == 28; # answers come one by one

        my ($flags, $ttl, @found) = (0x8180, 60);
        if ($name eq 'fail.test') {
            $flags |= 2;
        } elsif ($name !~ /^(one|short|four)\.test$/) {
            $flags |= 3;
        } elsif ($type == 1) {
            $ttl = 1 if $name eq 'short.test';
            @found = pack 'C4', 127, 0, 0, 1;
        }
        my $answer = pack('n6', $id, $flags, 1, scalar @found, 0, 0) . $asked;
        $answer .= pack 'n n n N n/a', 0xc00c, 1, 1, $ttl, $_ for @found;
        $dns->send($answer);
    }
}

END { kill 'KILL', $pid if $pid }

my $no_four = version_at_least('1.23.1') ? 'ipv4=off' : 'valid=1s';
$t->run(<<"EOC");
%%HTTP%%
    proxy_http_version 1.1;
    server {
        listen 127.0.0.1:%%PORT%%;
        resolver 127.0.0.1:$dns_port;
        resolver_timeout 1s;
        location / { proxy_pass http://\$arg_name:$up; }
        location /valid { resolver 127.0.0.1:$dns_port valid=1s ipv6=off;
                          proxy_pass http://\$arg_name:$up; }
        location /six { resolver 127.0.0.1:$dns_port $no_four;
                        proxy_pass http://\$arg_name:$up; }
    }
    server {
        listen 127.0.0.1:%%PORT_none%%;
        location / { proxy_pass http://\$arg_name:$up; }
        location /fixed { proxy_pass http://localhost:$up; }
        location /other { proxy_pass http://\$arg_name:%%PORT%%; }
    }
}
EOC

sub questions {
    return scalar grep { /^\Q$_[0]\E\b/ }
    split /^/, $t->read('questions');
}

is $t->get('/?name=one.test')->body, "one.test:$up", 'found';
my $before = questions('one.test 1');
is $t->get('/?name=ONE.test')->status, 200, 'again' for 1 .. 3;
is questions('one.test 1'), $before, 'from memory';
is $t->get('/?name=short.test')->status, 200, 'for a second only';
sleep 2.1;
is $t->get('/?name=short.test')->status, 200, 'and then';
is questions('short.test'), 4, 'it is asked for again, as two types'
    or diag($t->read('questions'));
is $t->get('/valid?name=four.test')->status, 200, 'valid=, ipv6=off';
is questions('four.test'), 1, 'one type only';
SKIP: {
    skip_before '1.23.1', 'no ipv4=off', 1;
    is $t->get('/six?name=one.test')->status, 502, 'ipv4=off: not found';
}

is $t->get('/?name=none.test')->status, 502, 'an unknown name';
like join('', $t->log),
    qr/\[error\] .* none\.test could not be resolved \(3: Host not found\)/,
    'told';
is $t->get('/?name=fail.test')->status, 502, 'a failing server';
like join('', $t->log), qr/fail\.test could not be resolved \(2: Server fail/,
    'told';
my $start = time;
is $t->get('/?name=silent.test')->status, 502, 'a silent server';
cmp_ok time - $start, '<', Weir::Test::slow(4), 'after resolver_timeout';
like join('', $t->log),
    qr/silent\.test could not be resolved \(110: Operation timed out\)/,
    'told';
is $t->get('/?name=one.test', port => 'none')->status, 502, 'no resolver';
like join('', $t->log), qr/no resolver defined to resolve one\.test/, 'told';
is $t->get('/?name=127.0.0.1', port => 'none')->status, 200,
    'addresses need none';
is $t->get('/?name=LOCALHOST', port => 'none')->status, 200,
    'nor does a host that another proxy_pass names';
is $t->get('/other?name=localhost', port => 'none')->status, 502,
    'on that port only';

# Several at once, for one question.
$before = questions('none2.test');
my @c = map { $t->connect } 1 .. 5;
$_->send("GET /?name=silent.test HTTP/1.1\r\nHost: a\r\n\r\n") for @c;
$c[0]->close;
is $_->read_response->status, 502, 'waiting together' for @c[1 .. 4];
is $t->get('/?name=one.test')->status, 200, 'still there';

SKIP: {
    skip 'a new process knows nothing', 2 if !lives_on();
    $before = questions('one.test');
    ok $t->reload, 'another configuration';
    is $t->get('/?name=one.test')->status . questions('one.test'), "200$before",
        'knows what the one before it has learned';
}

my $first = conf_test('%%GLOBALS%% events {} http { resolver 127.0.0.1 '
                      . "valid=x; }\n")->{first};
like $first, qr/invalid parameter: valid=x in F:/, 'a bad parameter';
$first = conf_test('%%GLOBALS%% events {} http { resolver nosuch.invalid; }'
                   . "\n")->{first};
like $first, qr/host not found in resolver "nosuch\.invalid" in F:/,
    'a bad server';

done_testing;
