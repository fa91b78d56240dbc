# SPDX-License-Identifier: BSD-2-Clause
#
# The command line: options, their texts and exit codes.  All of it goes to
# stderr, but what -T dumps.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Weir::Test;

my $t = Weir::Test->new;
my $dir = $t->dir;
my $conf = $t->conf("pid %%TESTDIR%%/server.pid; events {}\n");
$t->write('bad.conf', "events {}\nbogus on;\n");
$t->mkdir('logs');
my @here = ('-p', "$dir/", '-e', 'error.log');

# says(\@args, $code, $stderr): a run with these options ends so.
sub says {
    my ($args, $code, $text, $name) = @_;
    my ($got, $out, $err) = run_binary({ dir => $dir }, @$args);

    $name //= join ' ', grep { $_ !~ /^\// } @$args;
    ref $text ? like($err, $text, "$name: text") : is($err, $text,
                                                      "$name: text");
    is $out, '', "$name: nothing on stdout";
    is $got, $code, "$name: exit code";
}

# ---- version and help ----

says(['-v'], 0, qr{\Anginx version: nginx/[\d.]+(?: \(.*\))?\n\z});
says(['-V'], 0, qr{\A
    nginx\ version:\ nginx/[\d.]+(?:\ \(.*\))?\n
    (?:built\ by\ .*\ \n)?
    built\ with\ OpenSSL\ \d\S*\ [^\n]*\n
    TLS\ SNI\ support\ enabled\n
    configure\ arguments:[^\n]*\n\z}x);
my $commands = is_oracle() ? '' : qr/With -t:\n(?: {2}--\S.*\n)+\nCommands:\n(?: {2}\S.*\n {18}\S.*\n)+\n/;
for my $option ('-h', '-?') {
    says([$option], 0, qr{\A
        nginx\ version:\ nginx/[^\n]*\n
        Usage:\ nginx\ \[-\?hvVtTq\]\ \[-s\ signal\]\ \[-p\ prefix\]\n
        \ {13}\[-e\ filename\]\ \[-c\ filename\]\ \[-g\ directives\]\n\n
        Options:\n
        \ \ -\?,-h\ {9}:\ this\ help\n
        \ \ -v\ {12}:\ show\ version\ and\ exit\n
        \ \ -V\ {12}:\ show\ version\ and\ configure\ options\ then\ exit\n
        \ \ -t\ {12}:\ test\ configuration\ and\ exit\n
        \ \ -T\ {12}:\ test\ configuration,\ dump\ it\ and\ exit\n
        \ \ -q\ {12}:\ suppress\ non-error\ messages\ during\ configuration
            \ testing\n
        \ \ -s\ signal\ {5}:\ send\ signal\ to\ a\ master\ process:\ stop,
            \ quit,\ reopen,\ reload\n
        \ \ -p\ prefix\ {5}:\ set\ prefix\ path\ \(default:\ .*/\)\n
        \ \ -e\ filename\ {3}:\ set\ error\ log\ file\ \(default:\ .*\)\n
        \ \ -c\ filename\ {3}:\ set\ configuration\ file\ \(default:\ .*\)\n
        \ \ -g\ directives\ :\ set\ global\ directives\ out\ of
            \ configuration\ file\n\n$commands\z}x);
}
SKIP: {
    skip 'an identity of its own', 1 if is_oracle();
    my (undef, undef, $err) = run_binary('-v');
    like $err, qr{^nginx version: nginx/1\.31\.5 \(weir [\d.]+\)$},
        'the version names both';
}

# ---- bad options ----

says(['-x'], 1, qq{nginx: invalid option: "x"\n});
says(['-tx'], 1, qq{nginx: invalid option: "x"\n});
says(['foo'], 1, qq{nginx: invalid option: "foo"\n});
says(['-c'], 1, qq{nginx: option "-c" requires file name\n});
says(['-e'], 1, qq{nginx: option "-e" requires file name\n});
says(['-p'], 1, qq{nginx: option "-p" requires directory name\n});
says(['-g'], 1, qq{nginx: option "-g" requires parameter\n});
says(['-s'], 1, qq{nginx: option "-s" requires parameter\n});
says(['-s', 'foo'], 1, qq{nginx: invalid option: "-s foo"\n});

# ---- testing a configuration ----

my $ok = "nginx: the configuration file $conf syntax is ok\n"
    . "nginx: configuration file $conf test is successful\n";
my $bad = qq{nginx: [emerg] unknown directive "bogus" in $dir/bad.conf:2\n};
my $bad_end = "nginx: configuration file $dir/bad.conf test failed\n";

says([@here, '-c', 'nginx.conf', '-t'], 0, $ok, '-t, a relative -c');
says([@here, '-c', $conf, '-t'], 0, $ok, '-t, an absolute -c');
says(["-p$dir", '-eerror.log', '-cnginx.conf', '-t'], 0, $ok,
     '-t, values attached');
says([@here, '-c', $conf, '-tq'], 0, '', '-tq');
says([@here, '-c', $conf, '-q', '-t'], 0, '', '-q -t');
says([@here, '-c', $conf, '-vt'], 0, qr{\Anginx version: .*\n\Q$ok\E\z},
     '-vt');
says([@here, '-c', 'bad.conf', '-t'], 1, $bad . $bad_end, '-t, a bad file');
says([@here, '-c', 'bad.conf', '-tq'], 1, $bad . $bad_end,
     '-tq, a bad file');
says([@here, '-c', 'none.conf', '-t'], 1,
     qq{nginx: [emerg] open() "$dir/none.conf" failed }
     . "(2: No such file or directory)\n"
     . "nginx: configuration file $dir/none.conf test failed\n",
     '-t, no file');
like $t->read('error.log'),
    qr{^\d{4}/\d\d/\d\d\ \d\d:\d\d:\d\d\ \[emerg\]\ (\d+)\#\1:\ unknown
       \ directive\ "bogus"\ in\ \Q$dir\E/bad\.conf:2$}mx,
    '-t, a bad file: the message is in the error log too';
is $t->read('server.pid'), '', '-t makes the pid file, empty';
ok -e $t->path('server.pid'), '-t makes the pid file';

says(['-p', "$dir/", '-e', 'nosuchdir/e.log', '-c', $conf, '-t'], 1,
     qr{\Anginx:\ \[alert\]\ could\ not\ open\ error\ log\ file:\ open\(\)\ "
        \Q$dir\E/nosuchdir/e.log"\ failed\ \(2:\ No\ such\ file\ or
        \ directory\)\n}x, 'an error log that cannot be opened');

# ---- a bad configuration without -t ----

says([@here, '-c', 'bad.conf'], 1, $bad, 'start with a bad file');
says([@here, '-c', 'bad.conf', '-s', 'stop'], 1, $bad,
     '-s stop with a bad file');

# ---- signals ----

unlink $t->path('server.pid');
says([@here, '-c', $conf, '-s', 'stop'], 1,
     qq{nginx: [error] open() "$dir/server.pid" failed }
     . "(2: No such file or directory)\n", '-s without a pid file');
$t->write('server.pid', '');
says([@here, '-c', $conf, '-s', 'reload'], 1,
     qq{nginx: [error] invalid PID number "" in "$dir/server.pid"\n},
     '-s with an empty pid file');
$t->write('server.pid', "99999999\n");
says([@here, '-c', $conf, '-s', 'reload'], 1,
     "nginx: [alert] kill(99999999, 1) failed (3: No such process)\n",
     '-s with a dead pid');
unlink $t->path('server.pid');

my $server = Weir::Test->new;
$server->run(<<'EOC');
%%HTTP%%
    server { listen 127.0.0.1:%%PORT%%; return 200 one; }
}
EOC
my @server = ('-p', $server->dir, '-e', 'error.log', '-c', 'nginx.conf');
is $server->read('nginx.pid'), $server->pid . "\n", 'the pid file';
(my $changed = $server->read('nginx.conf')) =~ s/200 one/200 two/;
$server->write('nginx.conf', $changed);
says([@server, '-s', 'reload'], 0, '', '-s reload');
is wait_until(sub { $server->get('/')->body eq 'two' }), 1, 'reloaded';
rename $server->path('access.log'), $server->path('old.log');
says([@server, '-s', 'reopen'], 0, '', '-s reopen');
ok wait_until(sub { -e $server->path('access.log') }), 'reopened';
says([@server, '-s', 'quit'], 0, '', '-s quit');
is $server->wait_exit(5), 0, 'quit: exit code of the master';
ok !-e $server->path('nginx.pid'), 'the pid file is gone';

$server = Weir::Test->new->run("%%GLOBALS%% events {}\n");
says(['-p', $server->dir, '-c', 'nginx.conf', '-e', 'error.log', '-s', 'stop'],
     0, '', '-s stop');
is $server->wait_exit(5), 0, 'stop: exit code of the master';

# ---- in the background ----

my $daemon = Weir::Test->new;
(my $text = $daemon->expand("%%GLOBALS%%\n")) =~ s/daemon off;/daemon on;/;
$daemon->run("$text events {}\n");
ok wait_until(sub {
    Weir::Test::process_title($daemon->pid)
        =~ /^nginx: master process \S*nginx -p /;
}), 'title of the master';
ok wait_until(sub { $daemon->worker_pids }), 'it has a worker';
is Weir::Test::process_title(($daemon->worker_pids)[0]),
    'nginx: worker process', 'title of the worker';
is $daemon->stop('TERM'), 0, 'ended';

# ---- a port that is taken ----

my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1);
my $port = $taken->sockport;
my $busy = Weir::Test->new;
$busy->conf("%%GLOBALS%% events {}\n"
    . "http { %%GLOBALS_HTTP%% server { listen 127.0.0.1:$port; } }\n");
my ($code, $out, $err) = run_binary('-p', $busy->dir, '-c', 'nginx.conf',
                                    '-e', 'error.log');
is $code, 1, 'a port that is taken: exit code';
is $err, ("nginx: [emerg] bind() to 127.0.0.1:$port failed "
    . "(98: Address already in use)\n") x 5
    . "nginx: [emerg] still could not bind()\n", 'five tries';

# refused($listen): what stands under the messages of a start on a terminal, for
# one listen.
sub refused {
    my ($listen) = @_;

    $busy->conf("%%GLOBALS%% events {}\n"
        . "http { %%GLOBALS_HTTP%%\nserver { listen $listen; } }\n");
    my (undef, $text) = run_on_terminal('-p', $busy->dir, '-c', 'nginx.conf',
                                        '-e', 'error.log');
    return join '', map { "$_\n" } grep /^ {7}/, split /\n/, $text;
}

SKIP: {
    skip 'no hints', 3 if is_oracle();
    skip 'no terminal', 3 if !run_on_terminal('-v');
    my $place = 'in ' . $busy->dir . '/nginx.conf:';

    like refused("127.0.0.1:$port"),
        qr/\A\ {7}"listen"\ of\ 127\.0\.0\.1:$port\ \Q$place\E\d+\n
            \ {7}held\ by\ process\ $$,\ "[^"]+"\n\z/x,
        'the place of the listen and who holds the port, once';
    like refused('192.0.2.1:8080'),
        qr/^ +"listen" of 192.+\n +no interface of this machine has that address\n\z/,
        'an address of somebody else';
    SKIP: {
        my $start = Weir::Test::slurp(
            '/proc/sys/net/ipv4/ip_unprivileged_port_start');

        skip 'any port may be had', 1 if $> == 0 || $start < 1024;
        like refused('127.0.0.1:81'),
            qr/ {7}ports below 1024 need root or CAP_NET_BIND_SERVICE\n\z/,
            'a privileged port';
    }
}

done_testing;
