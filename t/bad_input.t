# SPDX-License-Identifier: BSD-2-Clause
#
# Configurations that cannot work, from rubbish to a port in use: each gets a
# message that names what is wrong, exit code 1, and leaves nothing behind: no
# pid file, no listening socket, no process.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use POSIX ();
use Weir::Test qw(:DEFAULT free_port run_binary);

my $t = Weir::Test->new;
my $dir = $t->dir;
my $temp = join '', map { "${_}_temp_path $dir/temp/$_;\n" }
    'client_body', grep { has_module("http_$_") } qw(proxy fastcgi uwsgi scgi);
$t->mkdir('temp');

# start(\%opt, $conf): tries to start it; (exit code, stderr).
sub start {
    my ($opt, $conf) = @_;

    $t->write('nginx.conf', $t->expand($conf)) if defined $conf;
    my ($code, undef, $err) = run_binary({ dir => $dir, %$opt }, '-p', "$dir/",
        '-c', 'nginx.conf', '-e', 'error.log', @{ $opt->{args} // [] });
    return ($code, $err);
}

# The processes that were started in the test's folder.
sub processes {
    return grep { Weir::Test::slurp("/proc/$_/cmdline") =~ /\Q$dir\E/ }
        grep { $_ != $$ } map { m{/(\d+)$} } glob '/proc/[0-9]*';
}

sub listens {
    my ($port) = @_;

    return IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") ? 1 : 0;
}

# told($text): what matches it, where DIR is the test's folder, CONF its
# nginx.conf and N any number.
sub told {
    my ($text) = @_;
    my $re = quotemeta $text;

    $re =~ s/CONF/DIR\/nginx\\.conf/;
    $re =~ s/DIR/\Q$dir\E/g;
    $re =~ s/(?<=\\:)N\b/\\d+/;
    return qr/^nginx: \[emerg\] $re/m;
}

# refused($what, $conf, $text, %opt): -t and starting fail with a message of
# this text, and nothing is left; only => 'start' where -t finds no fault.
sub refused {
    my ($what, $conf, $text, %opt) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $args ($opt{only} ? () : ['-t'], []) {
        my $how = @$args ? "$what, -t" : $what;
        unlink "$dir/nginx.pid";
        my ($code, $err) = start({ args => $args }, $conf);
        is $code, 1, "$how: exit code";
        like $err, told($text), "$how: the message";
        if (@$args) {
            like $err, qr/^nginx: configuration file \S+ test failed$/m,
                "$how: the verdict";
            next;
        }
        ok !-e "$dir/nginx.pid", "$how: no pid file";
        is join(' ', processes()), '', "$how: no process";
        ok !listens($t->port), "$how: nobody listens";
    }
}

sub site {
    my ($server, $http) = @_;

    return "daemon on;\npid $dir/nginx.pid;\nerror_log $dir/error.log;\n"
        . "events {}\nhttp {\naccess_log $dir/access.log;\n$temp"
        . ($http // '') . "\n"
        . "server {\nlisten 127.0.0.1:%%PORT%%;\n$server\n}\n}\n";
}


# ---- rubbish ----

my $seed = 2166136261;
sub chance {
    my ($n) = @_;

    $seed = ($seed * 1103515245 + 12345) % 2147483648;
    return int($seed / 65536) % $n;
}

my (@odd, %codes);
for my $round (1 .. 40) {
    my $bytes = join '', map { chr chance(256) } 1 .. 1 + chance(3000);
    $t->write('nginx.conf', $bytes);
    my ($code, $err) = start({ args => ['-t'] });
    push @odd, "$round: $code, $err"
        if $code ne 1 || $err !~ /\[emerg\] / || $err !~ /test failed$/m;
}
is "@odd", '', 'random bytes';

my @words = (qw(events http server location / { } ; ; ; "a 'b \ $ ${x} include
    listen 80 root /tmp if (-f x) map $a $b upstream return 200 set $x ~ ^~ @n
    worker_processes auto proxy_pass http://a/ types text/html html
    error_page 404 = /x user nobody), "\n", "\0", "\xff", '"a b"', '#', '');
@odd = ();
for my $round (1 .. 60) {
    my $text = join ' ', map { $words[chance(scalar @words)] }
        1 .. 1 + chance(60);
    $t->write('nginx.conf', $text);
    my ($code, $err) = start({ args => ['-t'] });
    push @odd, "$round: $code, $err, $text"
        if $code ne 1 || $err !~ /\[emerg\] / || $err !~ /test failed$/m;
}
is "@odd", '', 'random words';


# ---- a whole one, cut off ----

my $whole = $t->expand(site(<<'EOC', <<'EOH'));
    server_name a.test *.b.test ~^(?<name>\w+)\.c\.test$;
    set $x "a ${host} \"quoted\"";
    location / { root %%TESTDIR%%/html; index index.html; }
    location ~* \.(?:png|jpg)$ { expires 1h; add_header X-A 'b c' always; }
    location = /p { proxy_pass http://up/; proxy_set_header Host $host; }
    if ($request_method = POST) { return 405; }
EOC
    log_format own '$remote_addr - "$request" '
                   '$status';
    map $uri $mapped { default 0; ~^/a 1; }
    upstream up { server 127.0.0.1:1; keepalive 2; }
    types { text/html html; image/png png; }
EOH
is +(start({ args => ['-t'] }, $whole))[0], 0, 'the whole one is good';
@odd = ();
for (my $n = 0; $n < length($whole) - 2; $n += 7) {
    my $part = substr $whole, 0, $n;
    next if $part =~ /^events \{\}\n?\z/m;      # complete, with no http
    my ($code, $err) = start({ args => ['-t'] }, $part);
    push @odd, "$n: $code, $err"
        if $code ne 1 || $err !~ /^nginx: \[emerg\] /m
        || $err !~ /^nginx: configuration file \Q$dir\E\S+ test failed$/m;
}
is "@odd", '', 'cut off';
refused('cut off in a block', substr($whole, 0, index $whole, 'location ~*'),
        'unexpected end of file, expecting "}" in CONF:N');
refused('cut off in a word', substr($whole, 0, 4 + index $whole, 'quoted'),
        'unexpected end of file, expecting ";" or "}" in CONF:N');
refused('an empty one', '', 'no "events" section in configuration');


# ---- files ----

refused('a missing include', site('include nosuch.conf;'),
        'open() "DIR/nosuch.conf" failed (2: No such file or directory) '
        . 'in CONF:N');
refused('an include of itself', site('include nginx.conf;'), '')
    if !is_oracle();
refused('a folder', site("include $dir/temp;"),
        'read() "DIR/temp" failed (21: Is a directory) in CONF:N')
    if !is_oracle();
my ($code, $out, $err) = run_binary('-t', '-p', "$dir/",
    '-c', 'none.conf', '-e', 'error.log');
is $code, 1, 'no configuration: exit code';
like $err, qr/open\(\) "\Q$dir\E\/none\.conf" failed \(2: No such file/,
    'no configuration: the message';

refused('a log in a missing folder', site("access_log $dir/none/a.log;"),
        'open() "DIR/none/a.log" failed (2: No such file or directory)');
refused('an error log in a missing folder', site("error_log $dir/none/e.log;"),
        'open() "DIR/none/e.log" failed (2: No such file or directory)');
refused('a log that is a folder', site("access_log $dir/temp;"),
        'open() "DIR/temp" failed (21: Is a directory)');
my $client_body = "client_body_temp_path $dir/temp/client_body;\n";
refused('a temporary folder in a missing one',
        site('') =~ s{\Q$client_body}
                     {client_body_temp_path $dir/none/a/b;\n}r,
        'mkdir() "DIR/none/a/b" failed (2: No such file or directory)');
refused('a pid file in a missing folder',
        site('') =~ s/daemon on/daemon off/r
                 =~ s{pid \S+;}{pid $dir/none/nginx.pid;}r,
        'open() "DIR/none/nginx.pid" failed (2: No such file or directory)');
refused('a file of nobody',
        site('') =~ s/^/user nosuch_user_here;\n/r,
        'getpwnam("nosuch_user_here") failed in CONF:1')
    if $> == 0;

# Files that may not be read or written, by one who is not root.
sub as_nobody {
    my ($conf, $message, $what) = @_;
    my $bin = Weir::Test::binary_path();
    my $path = $t->write('nginx.conf', $t->expand($conf));

    chmod 0644, $path;
    pipe my $read, my $write or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        if ($> == 0) {
            POSIX::setgid(65534);
            POSIX::setuid(65534);
        }
        open STDERR, '>&', $write;
        open STDIN, '<', '/dev/null';
        exec $bin, '-p', "$dir/", '-c', 'nginx.conf', '-e', "$dir/err/e.log"
            or POSIX::_exit(99);
    }
    close $write;
    my $text = do { local $/; <$read> } // '';
    waitpid $pid, 0;
    is $? >> 8, 1, "$what: exit code";
    like $text, told($message), "$what: the message";
    is join(' ', processes()), '', "$what: no process";
}

SKIP: {
    my $real = Cwd::abs_path(Weir::Test::binary_path());
    skip 'the binary is for its owner alone', 1 if !executable_by_all($real);
    chmod 0777, $t->mkdir('err'), $t->path('temp');
    $t->write('secret.conf', "x y;\n", mode => 0000);
    $t->mkdir('closed');
    chmod 0555, $t->path('closed');
    my $own = site('') =~ s{$dir/(\w+\.(?:log|pid))}{$dir/err/$1}gr;

    as_nobody($own =~ s/(listen)/include secret.conf;\n$1/r,
              'open() "DIR/secret.conf" failed (13: Permission denied) '
              . 'in CONF:N', 'an unreadable file');
    as_nobody($own =~ s/(listen)/access_log closed\/a.log;\n$1/r,
              'open() "DIR/closed/a.log" failed (13: Permission denied)',
              'a log that may not be made');
    as_nobody($own =~ s{temp/client_body}{closed/temp}r,
              'mkdir() "DIR/closed/temp" failed (13: Permission denied)',
              'a temporary folder that may not be made');
    chmod 0755, $t->path('closed');
}

sub executable_by_all {
    my ($path) = @_;

    return 0 if !((stat $path)[2] & 1);
    while ($path =~ s{/[^/]+$}{} && length $path) {
        return 0 if !((stat $path)[2] & 1);
    }
    return 1;
}


# ---- addresses ----

my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1:0', Listen => 1,
                                  Proto => 'tcp') or die "listen: $!\n";
my $port = $taken->sockport;
my $in_use = site("listen 127.0.0.1:$port;");
my ($answer, $said) = start({ args => ['-t'] }, $in_use);
is $answer, 0, 'a port in use: -t does not mind';
refused('a port in use', $in_use,
        "bind() to 127.0.0.1:$port failed (98: Address already in use)",
        only => 'start');
refused('an address of others', site('listen 192.0.2.1:1234;'),
        'bind() to 192.0.2.1:1234 failed (99: Cannot assign requested '
        . 'address)');
refused('a socket in a missing folder', site("listen unix:$dir/none/s;"),
        'bind() to unix:DIR/none/s failed (2: No such file or directory)');
refused('a port that is none', site('listen 127.0.0.1:99999;'),
        'invalid port in "127.0.0.1:99999" of the "listen" directive '
        . 'in CONF:N');
my $unknown = is_oracle() ? '' : 'upstream_unresolved emerg;';
refused('an unknown host',
        site('location / { proxy_pass http://nosuch.invalid; }')
        =~ s/(server \{)/$unknown $1/r,
        'host not found in upstream "nosuch.invalid" in CONF:N');


# ---- a running server that is given one of these ----

my $good = site('return 200 good;') =~ s/daemon on/daemon off/r;
unlink $t->path('error.log');
$t->run($good);
is $t->get('/')->body, 'good', 'a good one';
for my $bad (
    substr($whole, 0, 300),
    $good =~ s/(listen)/include nosuch.conf;\n$1/r,
    $good =~ s/(listen)/listen 127.0.0.1:$port;\n$1/r,
    $good =~ s/(listen)/listen 127.0.0.1:%%PORT_new%%; access_log none\/a;\n$1/r,
) {
    my @workers = $t->worker_pids;
    my $lines = $t->log;
    $t->reload($bad);
    ok wait_until(sub { $t->log > $lines
        && grep { /\[emerg\]/ } ($t->log)[$lines .. $t->log - 1] }),
        'a bad one is refused';
    is $t->get('/')->body, 'good', 'the old one serves on';
    is join(' ', $t->worker_pids), "@workers", 'with the same workers';
}
ok !listens($t->port('new')), 'no socket of a refused one is open';
$t->expect_log(qr/unexpected end of file|nosuch\.conf|bind\(\)|none\/a/,
               qr/still could not bind/);

done_testing;
