# SPDX-License-Identifier: BSD-2-Clause
#
# The control socket: `weir reload` and `weir status`, who may use it, where it
# is, and that no client of it holds up the server.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use JSON::PP qw(decode_json);
use Weir::Test;

plan skip_all => 'nginx has no control socket' if is_oracle();

my $text = <<'EOC';
%%GLOBALS%%
worker_processes 2;
events {}
http {
    %%GLOBALS_HTTP%%
    server { listen 127.0.0.1:%%PORT%%; location / { return 200 WORD; } }
}
EOC

sub conf_of { return $text =~ s/WORD/$_[0]/r }

my $t = Weir::Test->new;
$t->run(conf_of('one'));
wait_until(sub { $t->worker_pids == 2 });
my $socket = $t->path('nginx.pid.control');
my $conf = $t->path('nginx.conf');

sub ask { return run_binary(shift, '-c', $conf, @_) }

sub status {
    my ($code, $out) = ask('status', '--json', @_);
    return eval { decode_json($out) } // { code => $code };
}

# client($bytes): connected, and has sent that.
sub client {
    my ($bytes, $path) = @_;
    my $s = IO::Socket::UNIX->new(Peer => $path // $socket) or return;

    $s->syswrite($bytes) if length $bytes;
    return $s;
}

sub answer_to {
    my $s = client(@_) or return 'no connection';
    my $got = '';

    wait_until(sub { !sysread $s, $got, 65536, length $got });
    return $got;
}

subtest 'the socket' => sub {
    ok -S $socket, 'it is beside the pid file';
    is sprintf('%o', (stat $socket)[2] & 07777), '600', 'its owner alone may use it';
    my ($inode) = map { (split)[6] } grep { / \Q$socket\E$/ }
        split /\n/, Weir::Test::slurp('/proc/net/unix');
    my $has = sub { scalar grep { (readlink // '') eq "socket:[$inode]" } glob "/proc/$_[0]/fd/*" };
    is $has->($t->pid), 1, 'the master has it';
    is $has->($_), 0, 'a worker has not' for $t->worker_pids;
};

subtest 'status' => sub {
    my $s = status();
    is $s->{pid}, $t->pid, 'the master';
    is $s->{generation}, 1, 'the first generation';
    is_deeply [map { $_->{number} } @{ $s->{generations} }], [1], 'no other';
    ok abs($s->{generations}[0]{since} - time) < 60, 'since when';
    is_deeply [sort { $a <=> $b } map { $_->{pid} } @{ $s->{workers} }],
        [sort { $a <=> $b } $t->worker_pids], 'the workers';
    is $s->{reload}, undef, 'no reload';

    my @c = map { my $c = $t->connect; $c->request('GET', '/'); $c } 1 .. 3;
    $s = status();
    is $s->{generations}[0]{connections}, 3, 'connections of a generation';
    my $sum = 0;
    $sum += $_->{connections} for @{ $s->{workers} };
    is $sum, 3, 'of its workers';

    my ($code, $out, $err) = ask('status');
    is $code, 0, 'as text: exit code';
    like $out, qr/^weir \S+, process @{[$t->pid]}, generation 1$/m, 'the server';
    like $out, qr/^1\s+\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\s+0\s+3$/m, 'a generation';
    like $out, qr/^[01]\s+$_\s+1\s/m, 'a worker' for $t->worker_pids;
    like $out, qr/^no reload so far$/m, 'no reload';
    is $err, '', 'no error';
};

subtest 'reload' => sub {
    $t->conf(conf_of('two'));
    my ($code, $out, $err) = ask('reload');
    is $code, 0, 'exit code';
    like $out, qr/^generation 2, \w.+\n\z/, 'the generation';
    is $err, '', 'no error';
    is $t->get('/')->body, 'two', 'it is served at once';
    my $s = status();
    is $s->{generation}, 2, 'in the status, too';
    ok $s->{reload}{ok}, 'its outcome';
    is $s->{reload}{generation}, 2, 'its generation';
    like $s->{reload}{how}, qr/./, 'how';
    like +(ask('status'))[1], qr/^last reload: \d{4}.*, generation 2, .*, took \d+ ms$/m,
        'as text';

    $t->conf(conf_of('three'));
    ($code, $out) = ask('reload', '--json', '--wait', 20);
    is $code, 0, 'exit code with --json';
    is decode_json($out)->{generation}, 3, 'the generation';

    $t->conf(conf_of('four'));
    $t->signal('HUP');
    ok wait_until(sub { (status()->{generation} // 0) == 4 }), 'by a signal';
    ok wait_until(sub { @{ status()->{generations} } == 1 }), 'the old ones end';
};

subtest 'a configuration with errors' => sub {
    my %broken = (
        'unknown' => conf_of('x') . "zork 1;\nfoo;\n",
        'unclosed' => conf_of('x') =~ s/\}\s*\z//r,
        'a missing file' => conf_of('x') . "include nowhere.conf;\n",
        'with a warning' => conf_of('x') =~ s/(server \{)/server { listen 127.0.0.1:%%PORT%%; } $1/r
            . "zork;\n",
        'a log that cannot be opened' =>
            conf_of('x') =~ s/(http \{)/$1 error_log %%TESTDIR%%\/none\/x;/r,
    );
    $t->expect_log(qr/zork|unexpected end of file|nowhere\.conf|none\/x/);
    for my $what (sort keys %broken) {
        $t->conf($broken{$what});
        my @tested = run_binary('-t', '-c', $conf, '-e', $t->path('start.log'));
        my @loaded = ask('reload');
        is $loaded[0], 1, "$what: exit code";
        is $loaded[1], '', "$what: no output";
        is $loaded[2], $tested[2], "$what: the lines of -t";
        like $loaded[2], qr/\[emerg\]/, "$what: an error";
        my $s = status();
        ok !$s->{reload}{ok} && $s->{reload}{refused}, "$what: refused";
        is $s->{generation}, 4, "$what: the old one is in force";
    }
    $t->conf($broken{unknown});
    ask('reload');
    my ($code, $out, $err) = ask('status');
    is $code, 0, 'status with such a configuration: exit code';
    like $out, qr/^last reload: .* refused; generation 4 stays in force$/m, 'the outcome';
    like $err, qr/\A\w+: \[emerg\] unknown directive "zork" in \Q$conf\E:\d+\n\z/, 'the error';
    is $t->get('/')->body, 'four', 'it serves';

    my ($rc, $shown) = run_on_terminal('reload', '-c', $conf);
    SKIP: {
        skip 'no terminal', 3 if !defined $rc;
        my (undef, $like) = run_on_terminal('-t', '-c', $conf, '-e', $t->path('start.log'));
        is $shown, $like, 'on a terminal as -t there';
        like $shown, qr/"foo"/, 'all errors';
        like $shown, qr/^\s+\| \^$/m, 'with hints';
    }
    is grep({ /unknown directive "foo"/ } $t->log), 0, 'which are not logged';
};

subtest 'who holds a generation' => sub {
    my $u = Weir::Test->new;
    my $held = conf_of('WORD; } location = /big { limit_rate 40k');
    my $ask = sub { decode_json((run_binary(@_, '--json', '-c', $u->path('nginx.conf')))[1]) };
    $u->write('html/big', 'x' x 80_000);
    $u->run($held =~ s/server \{/server { root %%TESTDIR%%\/html;/r);
    my ($kept, $slow) = map { $u->connect } 1 .. 2;
    $kept->get('/');
    $slow->send_request('GET', '/big');
    $slow->can('read', time + 10);
    $u->conf(conf_of('b'));
    ok $ask->('reload')->{ok}, 'a reload during a response';
    my @g;
    # Idle connections move one after the other.
    wait_until(sub {
        @g = @{ $ask->('status')->{generations} };
        return $g[-1]{connections} == 1;
    });
    is_deeply [map { $_->{number} } @g], [2, 1], 'two generations';
    is_deeply [@{ $g[1] }{qw(requests connections)}], [1, 1],
        'the response holds the first one';
    SKIP: {
        skip 'workers are replaced', 1 if !lives_on();
        is $g[0]{connections}, 1, 'the kept connection has moved';
    }
    is length $slow->read_response->body, 80_000, 'it ends';
    $slow->close;
    ok wait_until(sub { @{ $ask->('status')->{generations} } == 1 }), 'then there is one';

    $u->conf("worker_rlimit_core 1m;\n" . conf_of('c'));
    my $o = $ask->('reload');
    is_deeply [@$o{qw(ok how directive)}], [JSON::PP::true, 'by new workers', 'worker_rlimit_core'],
        'why workers were replaced';
    $u->conf("worker_rlimit_core 2m;\n" . conf_of('d'));
    is +(run_binary('reload', '-c', $u->path('nginx.conf')))[1],
        qq(generation 4, by new workers, as "worker_rlimit_core" has changed\n), 'as text';
    $u->conf("worker_rlimit_core 2m;\n" . conf_of('e'));
    $o = $ask->('reload');
    is $o->{how}, lives_on() ? 'in place' : 'by new workers', 'in place, where they can';
};

subtest 'bad requests' => sub {
    like answer_to("nonsense\n"), qr/^\{"error":"no \\"do\\".*"\}\n\z/, 'no JSON';
    like answer_to("\n"), qr/^\{"error":/, 'an empty line';
    like answer_to("{\"do\":\"dance\"}\n"), qr/^\{"error":"unknown/, 'unknown';
    like answer_to("\0\xFF{\"do\":\n"), qr/^\{"error":/, 'bytes';
    like answer_to('x' x 5000), qr/^\{"error":"the request is too long"\}\n/, 'too long';
    like answer_to("{\"do\":\"status\"}\n{\"do\":\"status\"}\n"), qr/\A[^\n]+\n\z/,
        'a second request has no answer';
};

subtest 'slow clients' => sub {
    my @idle = map { client($_ % 2 ? '{"do":' : '') } 1 .. 100;
    ok defined $idle[99], 'many clients that do not ask';
    is status()->{generation}, 4, 'others are answered';
    my @unread = map { client("{\"do\":\"status\"}\n") } 1 .. 100;
    is status()->{generation}, 4, 'beside those that do not read, too';
    my @gone = map { my $c = client("{\"do\":\"status\"}\n"); undef $c } 1 .. 20;
    $t->conf(conf_of('five'));
    client("{\"do\":\"reload\"}\n");
    ok wait_until(sub { (status()->{generation} // 0) == 5 }),
        'a reload whose client has gone';
    my $half = client("{\"do\":\"reload\"}\n");
    shutdown $half, 1;
    my $line = readline $half;
    is decode_json($line)->{generation}, 6, 'one that closed its side is answered';
    close $_ for @idle, @unread;
    my $fds = sub { scalar(my @a = glob '/proc/' . $t->pid . '/fd/*') };
    my $n = $fds->();
    status() for 1 .. 5;
    ok wait_until(sub { $fds->() <= $n }), 'no descriptor is left';
};

subtest 'no answer' => sub {
    my ($code, $out, $err) = run_binary('status', '-c', $t->path('none.conf'));
    is $code, 1, 'another configuration: exit code';
    like $err, qr/none\.conf/, 'which';
    is +(ask('reload', '--wait', 'x'))[0], 1, 'a bad --wait';
    like +(ask('status', '--wait', '1'))[2], qr/invalid option: "--wait"/, 'status has none';

    $t->signal('STOP');
    ($code, $out, $err) = ask('reload', '--wait', 1);
    $t->signal('CONT');
    is $code, 1, 'a master that does not answer: exit code';
    like $err, qr/no answer within 1 second$/m, 'which';
    ok wait_until(sub { (status()->{generation} // 0) == 7 }), 'it catches up';
};

subtest 'the pid file moves' => sub {
    $t->conf(conf_of('six') =~ s/%%GLOBALS%%/$t->globals =~ s|nginx\.pid|other.pid|r/er);
    $t->signal('HUP');
    ok wait_until(sub { -S $t->path('other.pid.control') && !-e $socket }),
        'the socket moves with it';
    is status()->{generation}, 8, 'it answers';
    $t->conf(conf_of('seven')); # with the pid file that was
    is +(ask('reload'))[0], 1, 'not where it is no more';
    $t->signal('HUP');
    ok wait_until(sub { -S $socket }), 'and back';
    is $t->stop, 0, 'it ends';
    ok !-e $socket, 'and removes the socket';
};

subtest 'what is there already' => sub {
    my $u = Weir::Test->new;
    my $path = $u->path('nginx.pid.control');
    IO::Socket::UNIX->new(Local => $path, Listen => 1) or die "$path: $!";
    ok -S $path, 'a socket that nobody serves';
    run_binary('-t', '-c', $u->conf(conf_of('a')), '-e', $u->path('start.log'));
    is client('', $path), undef, '-t leaves it';
    $u->run(conf_of('a'));
    ok wait_until(sub { client('', $path) }), 'is replaced';
    $u->stop('TERM');

    my $v = Weir::Test->new;
    $path = $v->write('nginx.pid.control', 'a file');
    $v->run(conf_of('a'));
    is $v->get('/')->body, 'a', 'with a file in its place it serves';
    ok $v->wait_log(qr/\[warn\].* no control socket .* bind\(\) to "\Q$path\E" failed/),
        'and says that there is no socket';
    $v->stop('TERM');
    is $v->read('nginx.pid.control'), 'a file', 'the file stays';
};

subtest 'the binary is changed' => sub {
    my $u = Weir::Test->new;
    $u->run(conf_of('a') =~ s/%%GLOBALS%%/$u->globals =~ s|daemon off|daemon on|r/er);
    my $c = $u->path('nginx.conf');
    my $old = $u->pid;
    my $who = sub {
        (eval { decode_json((run_binary('status', '--json', '-c', $c))[1]) } // {})->{pid} // 0;
    };
    is $who->(), $old, 'the old master answers';
    $u->signal('USR2');
    my $new = $u->new_pid($old);
    ok wait_until(sub { $who->() == $new }), 'then the new one';
    my $aside = $u->path('nginx.pid.oldbin.control');
    is decode_json(answer_to("{\"do\":\"status\"}\n", $aside))->{pid}, $old,
        'the old one beside its pid file';
    like answer_to("{\"do\":\"reload\"}\n", $aside), qr/^\{"error":"the binary is being changed/,
        'it does not reload';
    $u->signal('QUIT', $new);
    ok wait_until(sub { $who->() == $old }), 'the old one again';
    ok !-e $aside, 'in its place';

    $u->signal('USR2');
    $new = $u->new_pid($old);
    ok wait_until(sub { $who->() == $new }), 'the new one';
    $u->signal('QUIT', $old);
    ok wait_until(sub { !-e "/proc/$old" }), 'the old one ends';
    ok !-e $aside, 'its socket is gone';
    is $who->(), $new, 'the new one answers';
    $u->{pid} = $new;
    $u->stop('QUIT');
    ok wait_until(sub { !-e $u->path('nginx.pid.control') }), 'its socket goes with it';
};

subtest 'a single process' => sub {
    my $u = Weir::Test->new;
    $u->run("master_process off;\n" . conf_of('a'));
    my $c = $u->path('nginx.conf');
    my $s = decode_json((run_binary('status', '--json', '-c', $c))[1]);
    is $s->{pid}, $u->pid, 'it answers';
    is $s->{workers}[0]{pid}, $u->pid, 'it is its only worker';
    $u->conf("master_process off;\n" . conf_of('b'));
    my ($code, $out) = run_binary('reload', '-c', $c);
    is $code, 0, 'it reloads';
    is $out, "generation 2, in place\n", 'in place';
    is $u->get('/')->body, 'b', 'it serves the new one';
    $u->conf("master_process off;\n" . conf_of('b') . "zork;\n");
    $u->expect_log(qr/zork/);
    my ($rc, undef, $err) = run_binary('reload', '-c', $c);
    is $rc, 1, 'an error: exit code';
    like $err, qr/unknown directive "zork"/, 'which';
    $u->stop;
    ok !-e $u->path('nginx.pid.control'), 'the socket is removed';
};

done_testing();
