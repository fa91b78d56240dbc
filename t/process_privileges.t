# SPDX-License-Identifier: BSD-2-Clause
#
# What workers may still do, and what the master, who is root, does not do to
# files of others: links that the workers' user could have made are not
# followed where something is given away.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

plan(skip_all => 'not root') if $> != 0;

my ($user, $group) = Weir::Test::worker_user();
my $uid = getpwnam $user;
my $http = <<'EOC';
events { }
http {
    %%GLOBALS_HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location ~ ^/(a|b)+$ { return 200 "$1\n"; }
        location / { return 200 ok; }
    }
}
EOC

sub owner_of { return (stat $_[0])[4] }
sub mode_of { return (stat $_[0])[2] & 07777 }

# a worker
SKIP: {
    skip 'an nginx keeps them', 5 if is_oracle();
    my $t = Weir::Test->new;
    $t->run("%%GLOBALS%%\n$http");
    wait_until(sub { $t->worker_pids == 1 && $t->get('/')->status == 200 });
    my ($worker) = $t->worker_pids;
    my $status = Weir::Test::slurp("/proc/$worker/status");

    like $status, qr/^NoNewPrivs:\s*1$/m, 'no new privileges';
    like $status, qr/^Cap$_:\s*0+$/m, "Cap$_ is empty" for qw(Bnd Prm Eff);
    like Weir::Test::slurp('/proc/' . $t->pid . '/status'),
        qr/^NoNewPrivs:\s*0$/m, 'the master has them';
}

# groups that cannot be set: it would keep those of root
SKIP: {
    skip 'an nginx goes on', 3 if is_oracle();
    my ($setpriv) = grep { -x } '/usr/bin/setpriv', '/bin/setpriv';
    skip 'no setpriv', 3 if !$setpriv;
    my $t = Weir::Test->new;
    (my $globals = $t->globals) =~ s/^user .*$/user $user root;/m;
    $t->conf("$globals\n$http");
    my $pid = Weir::Test::start_process(undef, $setpriv,
        ['--bounding-set', '-setgid', '--inh-caps', '-setgid',
         Weir::Test::binary_path(), '-p', $t->dir . '/', '-c', 'nginx.conf',
         '-e', 'error.log'], $t->path('stdout'), $t->path('stderr'), $t->dir);

    ok $t->wait_log(qr/\[emerg\] \d+#\d+: initgroups\($user, 0\) failed \(1: /),
        'initgroups() fails';
    ok $t->wait_log(qr/worker process \d+ exited with fatal code 2 and cannot be respawned$/),
        'the worker ends';
    kill 'TERM', $pid;
    Weir::Test::wait_process($pid, 5) // kill 'KILL', $pid;
    pass 'and so does the master, when told';
}

# a folder for temporary files
my $f = Weir::Test->new;
$f->mkdir($_) for qw(theirs root victim given);
chmod 0500, $f->path($_) for qw(victim given);
chown $uid, -1, $f->path('theirs');
symlink $f->path('victim'), $f->path('theirs/body');
symlink $f->path('given'), $f->path('root/body');
sub with_body_in {
    my ($folder) = @_;

    return conf_test(<<"EOC", test => $f);
pid %%TESTDIR%%/p; user $user $group;
events { }
http {
    %%GLOBALS_HTTP%%
    server { client_body_temp_path %%TESTDIR%%/$folder/body; }
}
EOC
}
my $r = with_body_in('root');
is $r->{code}, 0, 'a link that root made';
is owner_of($f->path('given')), $uid, 'leads to a folder that is given';
is mode_of($f->path('given')), 0700, 'with a mode that lets them in';
SKIP: {
    skip 'an nginx follows it', 4 if is_oracle();
    $r = with_body_in('theirs');
    is $r->{code}, 1, 'a link that the workers could have made';
    like $r->{err}, qr{\[emerg\] open\(\) "\S+/theirs/body" failed \(40: },
        'is an error';
    is owner_of($f->path('victim')), 0, 'and its folder is not given';
    is mode_of($f->path('victim')), 0500, 'nor opened';
}

# the pid file
SKIP: {
    skip 'an nginx follows a link', 3 if is_oracle();
    my $t = Weir::Test->new;
    $t->write('victim', 'kept');
    symlink $t->path('victim'), $t->path('nginx.pid');
    $t->conf("%%GLOBALS%%\n$http");
    my ($code, undef, $err) = run_binary('-p', $t->dir . '/', '-c',
                                         'nginx.conf', '-e', 'error.log');
    is $code, 1, 'a link in place of the pid file';
    like $err, qr{\[emerg\] open\(\) "\S+/nginx.pid" failed \(40: }, 'is an error';
    is $t->read('victim'), 'kept', 'and nothing is written through it';
}

# USR1: logs are given to the workers' user
my $l = Weir::Test->new;
$l->mkdir($_) for qw(root theirs theirs/deep elsewhere);
chown $uid, -1, $l->path($_) for qw(theirs theirs/deep);
$l->write('victim', 'root only', mode => 0600);
$l->write('shared.log', '', mode => 0644);
$l->run("%%GLOBALS%%\n" . $http =~ s/server \{/server {
        access_log %%TESTDIR%%\/root\/a.log combined;
        access_log %%TESTDIR%%\/theirs\/b.log combined;
        access_log %%TESTDIR%%\/theirs\/deep\/c.log combined;/r);
is $l->get('/first')->status, 200, 'logs are written';
unlink map { $l->path($_) } qw(root/a.log theirs/b.log);
symlink $l->path('shared.log'), $l->path('root/a.log');
symlink $l->path('victim'), $l->path('theirs/b.log');
rename $l->path('theirs/deep'), $l->path('theirs/old');
symlink $l->path('elsewhere'), $l->path('theirs/deep');
$l->expect_log(qr/open\(\) "\S+\.log" failed/);
$l->signal('USR1');
ok wait_until(sub { owner_of($l->path('shared.log')) == $uid }),
    'USR1: a link of root is followed, and its file given';
SKIP: {
    skip 'an nginx follows the others as well', 6 if is_oracle();
    ok $l->wait_log(qr{\[emerg\] \d+#\d+: open\(\) "\S+/theirs/b.log" failed \(40: }),
        'one that the workers could have made is an error';
    ok $l->wait_log(qr{\[emerg\] \d+#\d+: open\(\) "\S+/theirs/deep/c.log" failed}),
        'so is a folder that is one';
    is owner_of($l->path('victim')), 0, 'its file is not given';
    is $l->read('victim'), 'root only', 'nor written to';
    ok !-e $l->path('elsewhere/c.log'), 'nor made';
    $l->get('/second');
    ok wait_until(sub { $l->read('theirs/old/c.log') =~ m{/second} }),
        'the old file stays in use';
}

# sockets are for everybody, whatever the mask
my $s = Weir::Test->new;
{
    my $mask = umask 077;
    $s->run("%%GLOBALS%%\n" . $http
            =~ s/server \{/server { listen unix:%%TESTDIR%%\/s;/r);
    umask $mask;
}
is mode_of($s->path('s')), 0666, 'mode of a unix socket';

# no page to write and to execute
SKIP: {
    skip 'only where it is on', 4 if is_oracle();
    for my $case (["pcre_jit off;\n$http", 'pcre_jit off'],
                  ["$http\npcre_jit off;\n", 'and behind the expressions']) {
        my $t = Weir::Test->new;
        $t->run("%%GLOBALS%%\n$case->[0]");
        is $t->get('/ab')->body, "b\n", 'an expression matches';
        unlike Weir::Test::slurp("/proc/@{[$t->worker_pids]}/maps"), qr/ rwx/,
            $case->[1];
    }
}

done_testing;
