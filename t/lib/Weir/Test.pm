# SPDX-License-Identifier: BSD-2-Clause
#
# What the end-to-end tests are written with.  A test says its configuration,
# starts the server on it, and talks to it:
#
#     use Weir::Test;
#
#     my $t = Weir::Test->new;
#     $t->write('html/index.html', 'hello');
#     $t->run(<<'EOF');
#     %%GLOBALS%%
#     events {}
#     http {
#         %%GLOBALS_HTTP%%
#         server { listen 127.0.0.1:%%PORT%%; root %%TESTDIR%%/html; }
#     }
#     EOF
#     is $t->get('/')->body, 'hello';
#     done_testing;
#
# In a configuration (and in what ->expand is given):
#
#     %%TESTDIR%%        the test's own folder, the prefix of the server
#     %%PORT%%           a free port; the one that ->get and others ask
#     %%PORT_name%%      further free ports, by any name; $t->port('name')
#     %%GLOBALS%%        daemon off, pid, error_log (level info), user
#     %%GLOBALS_HTTP%%   access_log and the temporary folders in TESTDIR
#     %%HTTP%%           GLOBALS, events {} and "http { GLOBALS_HTTP": what
#                        most tests begin with; it ends with a }
#
# The binary is $TEST_BINARY, or build/weir; it is run under the name nginx.
# TEST_LEAVE=1 keeps the folder and prints its name, TEST_VERBOSE=1 prints the
# error log at the end, TEST_SLOW=3 triples all limits, TEST_GLOBALS and
# TEST_GLOBALS_HTTP add directives to every configuration.  A file that takes
# longer than TEST_LIMIT seconds (600, or 7200 with TEST_SOAK) is ended, and
# says what it waited for.
#
# Everything that a test writes is in one temporary folder, which $TMPDIR names
# for what the test starts.  At the end of the test, however it ends, the folder
# is removed and every process that the test started is ended.
#
# At done_testing every server is ended and must have ended well: exit code 0,
# no sanitizer report, and no [alert], [crit] or [emerg] line in its error log
# other than those named by $t->expect_log(qr/.../).

package Weir::Test;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use File::Find ();
use File::Path qw(make_path remove_tree);
use File::Temp ();
use POSIX qw(:sys_wait_h);
use Test::More ();
use Time::HiRes qw(sleep time);

use Weir::Backend;
use Weir::HTTP;
use Weir::Ports qw(free_port free_ports);
use Weir::Processes qw(children process_title);

our @EXPORT = (@Test::More::EXPORT, qw(
    server_version version_at_least skip_before is_oracle lives_on has_module
    need_module need_version wait_until run_binary run_on_terminal conf_test
));
our @EXPORT_OK = qw(free_port free_ports slow top_folder binary_path);

umask 022;
$SIG{PIPE} = 'IGNORE';
# Through END, so that nothing is left behind.
$SIG{INT} = $SIG{TERM} = $SIG{HUP} = sub { exit 1 };
# Unread rubbish in the environment must not change a test.
delete @ENV{qw(NGINX http_proxy)};

my $top = abs_path(dirname(__FILE__) . '/../../..');
my $binary = abs_path($ENV{TEST_BINARY} // "$top/build/weir")
    // $ENV{TEST_BINARY} // "$top/build/weir";
my $owner = $$;
my @disks;                          # of small_disk
my (@all, $base, $tools, %facts);

Weir::Processes::limit_time(
    slow($ENV{TEST_LIMIT} || ($ENV{TEST_SOAK} ? 7200 : 600)),
    sub { $base }, sub { map { $_->log } @all });


# Its functions are handed on; done_testing is replaced below.
BEGIN { Test::More->import }


# ---- the binary -------------------------------------------------------------

sub top_folder { return $top }      # of the source tree

# base(): the folder of everything; those of the tests in it are numbered.  It
# is made on first use, as a file may exec itself before that.
sub base {
    return $base if defined $base;

    Weir::Ports::use_folder();
    $base = abs_path(File::Temp::tempdir('weir-test-XXXXXX', TMPDIR => 1));
    chmod 0755, $base;
    return $ENV{TMPDIR} = $base;
}

sub slow { return $_[0] * ($ENV{TEST_SLOW} || 1) }

# binary_path(): a link called nginx to the binary.
sub binary_path {
    if (!$tools) {
        Test::More::BAIL_OUT("no binary $binary") if !-x $binary;
        $tools = base() . '/bin';
        CORE::mkdir $tools;
        symlink $binary, "$tools/nginx" or die "symlink: $!\n";
    }
    return "$tools/nginx";
}

# run_binary(@args): (exit code, stdout, stderr).  A hash first:
# { dir => WORKING FOLDER, name => argv[0], env => {}, limit => SECONDS }.
sub run_binary {
    my %opt = ref $_[0] ? %{ shift() } : ();
    my $path = binary_path();
    my $files = File::Temp->newdir('run-XXXXXX', DIR => base());

    my $pid = start_process($opt{name}, $path, \@_, "$files/out", "$files/err",
                            $opt{dir}, $opt{env});
    my $status = wait_process($pid, slow($opt{limit} // 20));
    if (!defined $status) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
        return ('timeout', slurp("$files/out"), slurp("$files/err"));
    }
    return ($status & 127 ? 'signal ' . ($status & 127) : $status >> 8,
            slurp("$files/out"), slurp("$files/err"));
}

# run_on_terminal(@args), with the same hash: (exit code, what the terminal
# shows), or nothing where no terminal can be had.
sub run_on_terminal {
    my %opt = ref $_[0] ? %{ shift() } : ();
    my $line = join ' ', map { "'" . s/'/'\\''/gr . "'" } binary_path(), @_;
    my $files = File::Temp->newdir('run-XXXXXX', DIR => $base);
    my ($script) = grep { -x } qw(/usr/bin/script /bin/script);

    return if !$script;
    my $pid = start_process(undef, $script, ['-qec', $line, '/dev/null'],
                            "$files/out", "$files/err", $opt{dir}, $opt{env});
    my $status = wait_process($pid, slow(20));
    (my $text = slurp("$files/out")) =~ s/\r\n/\n/g;
    return ($status >> 8, $text) if defined $status;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    return ('timeout', $text);
}

sub start_process {
    my ($name, $path, $args, $out, $err, $dir, $env) = @_;

    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;

    open STDIN, '<', '/dev/null';
    open STDOUT, '>', $out;
    open STDERR, '>>', $err;
    $SIG{$_} = 'DEFAULT' for qw(PIPE CHLD TERM INT HUP);
    chdir $dir if defined $dir;
    @ENV{ keys %$env } = values %$env if $env;
    no warnings 'exec';
    exec { $path } $name // $path, @$args;
    print STDERR "cannot run $path: $!\n";
    POSIX::_exit(127);
}

# The wait status, or undef when the process goes on after $limit seconds.
sub wait_process {
    my ($pid, $limit) = @_;
    my $status;

    wait_until(sub {
        return 1 if waitpid($pid, WNOHANG) != $pid;
        $status = $?;
        return 0;
    }, $limit, 'while');
    return $status;
}

# wait_until(sub { ... }, $seconds): asks again and again until it says yes;
# its answer, or the last one when the time is over.
sub wait_until {
    my ($ask, $limit, $while) = @_;
    my $end = time + ($limit // slow(10));
    my $pause = 0.002;

    for (;;) {
        my $answer = $ask->();
        return $answer if $while ? !$answer : $answer;
        return $answer if time > $end;
        select undef, undef, undef, $pause;
        $pause *= 1.3 if $pause < 0.05;
    }
}

sub facts {
    return \%facts if %facts;

    my ($code, undef, $text) = run_binary('-V');
    my ($version) = $text =~ m{^nginx version: [^/\s]+/([\d.]+)}m;
    my ($build) = $text =~ m{^nginx version: \S+ \((.*?)\)}m;
    my ($options) = $text =~ /^configure arguments:(.*)/m;
    %facts = (version => $version // '0', build => $build // '',
              options => ' ' . ($options // '') . ' ', text => $text);
    return \%facts;
}

# server_version(): the version of nginx whose behaviour the binary has.
sub server_version { return facts()->{version} }

# is_oracle(): the binary is an nginx, and not weir.
sub is_oracle { return facts()->{build} !~ /^weir/ }

# lives_on(): workers live on over a reload, which they do not with the arenas of
# the address sanitizer (but do in make asan-arenas).
sub lives_on { return facts()->{build} =~ /^weir/ && !is_emulated() }

sub is_emulated {
    if (!defined $facts{emulated}) {
        my $bytes = slurp($binary);
        $facts{emulated} = $bytes =~ /__asan_init/
            && $bytes !~ /arenas with guarded room/;
    }
    return $facts{emulated};
}

# version_at_least('1.29.7')
sub version_at_least {
    my ($wanted) = @_;

    return sprintf('%d%03d%03d', split /\./, server_version())
        >= sprintf('%d%03d%03d', split /\./, $wanted);
}

# skip_before('1.29.7', 'what differs', $count): in a SKIP block.
sub skip_before {
    my ($wanted, $why, $count) = @_;

    return if version_at_least($wanted);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::skip("$why: since $wanted", $count // 1);
}

# has_module('http_ssl'), by the options that the binary prints.
my %extra = map { $_ => 1 } qw(
    http_ssl http_v2 http_v3 http_realip http_addition http_xslt
    http_image_filter http_geoip http_sub http_dav http_flv http_mp4
    http_gunzip http_gzip_static http_auth_request http_random_index
    http_secure_link http_degradation http_slice http_stub_status http_perl
    http_tunnel
    mail mail_ssl stream stream_ssl stream_realip stream_geoip
    stream_ssl_preread threads file-aio debug geoip2 brotli zstd
);

sub has_module {
    my ($name) = @_;
    my $options = facts()->{options};
    (my $word = $name) =~ s/^(http_\w+|mail_\w+|stream_\w+)$/$1_module/;

    return $options =~ / --with-\Q$word\E(?:=\w+)? /
        || $options =~ / --with-\Q$name\E(?:=\w+)? / ? 1 : 0 if $extra{$name};
    return $options =~ / --without-\Q$word\E / ? 0 : 1;
}

# need_module(@names), need_version($version): else the file is skipped.
sub need_module {
    for my $name (@_) {
        Test::More::plan(skip_all => "no $name in this binary")
            if !has_module($name);
    }
}

sub need_version {
    my ($wanted) = @_;

    Test::More::plan(skip_all => "since $wanted") if !version_at_least($wanted);
}


# ---- a test's folder and files ----------------------------------------------

# new(): a folder of its own, with the folder logs that built-in paths name;
# nothing runs yet.
sub new {
    my ($class) = @_;
    my $dir = base() . '/' . (@all + 1);
    CORE::mkdir $dir or die "$dir: $!\n";
    CORE::mkdir "$dir/logs";
    print STDERR "# $dir\n" if $ENV{TEST_LEAVE};

    my $t = bless { dir => $dir, ports => {}, expected => [] }, $class;
    push @all, $t;
    return $t;
}

sub dir { return $_[0]{dir} }

# path('a/b'): in the test's folder; absolute ones stay.
sub path {
    my ($t, $name) = @_;

    return $name =~ m{^/} ? $name : "$t->{dir}/$name";
}

# port('name'): the port of %%PORT_name%%; without a name that of %%PORT%%.
sub port {
    my ($t, $name) = @_;

    return $t->{ports}{ $name // '' } //= free_port();
}

# write($name, $bytes, mode => 0644, mtime => SECONDS): a file, with its
# folders; its path.
sub write {
    my ($t, $name, $bytes, %opt) = @_;
    my $path = $t->path($name);

    make_path(dirname($path));
    open my $out, '>', $path or die "$path: $!\n";
    binmode $out;
    print $out $bytes;
    close $out or die "$path: $!\n";
    chmod $opt{mode}, $path if defined $opt{mode};
    utime $opt{mtime}, $opt{mtime}, $path if defined $opt{mtime};
    return $path;
}

# read($name): the bytes of a file; '' when there is none.
sub read { return slurp($_[0]->path($_[1])) }

sub slurp {
    my ($path) = @_;

    open my $in, '<', $path or return '';
    binmode $in;
    local $/;
    return scalar(<$in>) // '';
}

# mkdir($name), with parents; its path.
sub mkdir {
    my ($t, $name) = @_;
    my $path = $t->path($name);

    make_path($path);
    return $path;
}

# small_disk($name, '4m'): a folder with a disk of its own of that size, which can
# be filled, until the test ends; its path, or undef where that is not allowed.
sub small_disk {
    my ($t, $name, $size) = @_;
    return if $> != 0;

    my $path = $t->mkdir($name);
    return if system("mount -t tmpfs -o size=$size,mode=777 none '$path' 2>/dev/null") != 0;
    push @disks, $path;
    return $path;
}

# expand($text): with the %%...%% filled in.
sub expand {
    my ($t, $text) = @_;

    $text =~ s/%%HTTP%%/http_start()/ge;
    $text =~ s/%%GLOBALS%%/$t->globals/ge;
    $text =~ s/%%GLOBALS_HTTP%%/$t->globals_http/ge;
    $text =~ s/%%TESTDIR%%/$t->{dir}/g;
    $text =~ s/%%PORT(?:_(\w+?))?%%/$t->port($1)/ge;
    return $text;
}

sub http_start {
    return "%%GLOBALS%%\nevents {}\nhttp {\n%%GLOBALS_HTTP%%\n";
}

sub globals {
    my ($t) = @_;
    my $text = "daemon off; pid %%TESTDIR%%/nginx.pid;\n"
        . "error_log %%TESTDIR%%/error.log info;\n";

    $text .= 'user ' . join(' ', worker_user()) . ";\n" if $> == 0;
    return $text . ($ENV{TEST_GLOBALS} // '');
}

sub worker_user {
    my @nobody = getpwnam 'nobody' or return 'root';

    return ('nobody', scalar getgrgid $nobody[3]);
}

sub globals_http {
    my $text = "access_log %%TESTDIR%%/access.log;\n"
        . "client_body_temp_path %%TESTDIR%%/client_body_temp;\n";

    for my $name (qw(proxy fastcgi uwsgi scgi)) {
        $text .= "${name}_temp_path %%TESTDIR%%/${name}_temp;\n"
            if has_module("http_$name");
    }
    return $text . ($ENV{TEST_GLOBALS_HTTP} // '');
}


# ---- the server -------------------------------------------------------------

# conf($text): expands and writes nginx.conf; its path.
sub conf {
    my ($t, $text) = @_;

    return $t->write('nginx.conf', $t->expand($text));
}

# run($conf, args => [...], env => {}): starts the server, again if one has
# been stopped, and waits until it listens; the test.  Dies when it does not start.
sub run {
    my ($t, $conf, %opt) = @_;

    push @{ $t->{exits} }, delete $t->{exit} if defined $t->{exit};
    $t->conf($conf) if defined $conf;
    $t->{pid_file} = $t->pid_file;
    unlink $t->{pid_file};
    # It puts itself in the background, and is not our child, when told to.
    $t->{daemon} = $t->read('nginx.conf') =~ /^\s*daemon\s+on\s*;/m;
    $t->{pid} = start_process(undef, binary_path(),
        ['-p', "$t->{dir}/", '-c', 'nginx.conf', '-e', 'error.log',
         @{ $opt{args} // [] }],
        $t->path('stdout'), $t->path('stderr'), $t->{dir}, $opt{env});
    $t->await_start;
    return $t;
}

sub pid_file {
    my ($t) = @_;

    return $t->read('nginx.conf') =~ /(?:^|[;{])\s*pid\s+([^;\s]+);/m
        ? $t->path($1) : $t->path('nginx.pid');
}

sub await_start {
    my ($t) = @_;
    my ($gone, $master);

    my $up = wait_until(sub {
        return 1 if ($master) = slurp($t->{pid_file}) =~ /^(\d+)\n/;
        return 0 if $gone || waitpid($t->{pid}, WNOHANG) == 0;
        $gone = $?;
        return $gone ? 1 : 0;
    }, slow(20));
    if (!$up || $gone) {
        $t->{failed} = 1;
        kill 'KILL', $t->{pid} if !defined $gone;
        Test::More::diag($t->read('stderr'), $t->read('error.log'));
        die "the server did not start\n";
    }
    if ($t->{daemon}) {
        waitpid $t->{pid}, 0 if !defined $gone;
        $t->{pid} = $master;
    }
}

sub pid { return $_[0]{pid} }       # of the master

# new_pid($old): waits until the pid file names another process than $old; its
# pid, or 0.  The file is read once for each answer, as it may change any time.
sub new_pid {
    my ($t, $old) = @_;

    return wait_until(sub {
        my ($now) = $t->read('nginx.pid') =~ /^(\d+)\n\z/ or return 0;
        return $now != $old ? $now : 0;
    });
}

# worker_pids(): the children of the master, those that are leaving left out.
sub worker_pids {
    my ($t) = @_;

    return grep { process_title($_) =~ /worker process(?! is shut)/ }
        children($t->{pid});
}

# signal('USR1', $pid): to the master, or to another process.
sub signal {
    my ($t, $name, $pid) = @_;

    # 0 would be the whole process group, the test's own.
    $pid //= $t->{pid};
    die "no process to signal\n" if !$pid || $pid < 2;
    return kill $name, $pid;
}

# reload($conf): HUP, with a new configuration if one is given, and waits
# until the workers serve it, or new ones do and the old ones are gone or going;
# true on success.
sub reload {
    my ($t, $conf) = @_;
    my %old = map { $_ => 1 } children($t->{pid});
    my $log_size = length $t->read('error.log');

    $t->conf($conf) if defined $conf;
    $t->signal('HUP');
    return wait_until(sub {
        my $new = substr $t->read('error.log'), $log_size;
        return 'refused' if $new =~ /\[emerg\]/;
        return 1 if lives_on() && $new =~ /configuration \d+ is served$/m;
        my @now = $t->worker_pids;
        return @now && !grep { $old{$_} } @now;
    }) eq '1' ? 1 : 0;
}

# expect_log(qr/.../): [alert], [crit] and [emerg] lines that match are no
# failure.
sub expect_log { my ($t, @re) = @_; push @{ $t->{expected} }, @re }

# expect_exit($code): of the server, instead of 0; 'any' for whatever it is.
sub expect_exit { $_[0]{exit_wanted} = $_[1] }

# stop('TERM'): ends the server, gracefully if no signal is named, and waits;
# its exit code, or 'signal N'.
sub stop {
    my ($t, $signal) = @_;

    return $t->{exit} if defined $t->{exit} || !$t->{pid} || $t->{failed};
    kill $signal // 'QUIT', $t->{pid};
    return $t->wait_exit($signal ? slow(10) : slow(3));
}

# wait_exit($seconds): waits for the end of the server, which is helped along
# when it takes longer; as stop() gives.
sub wait_exit {
    my ($t, $limit) = @_;

    for my $next ('TERM', 'KILL', undef) {
        my $status = $t->{daemon} ? wait_stranger($t->{pid}, $limit)
                                  : wait_process($t->{pid}, $limit);
        if (defined $status) {
            $t->{exit} //= $status & 127 ? 'signal ' . ($status & 127)
                                         : $status >> 8;
            return $t->{exit};
        }
        kill $next, $t->{pid} if $next;
        $t->{exit} = 'none: it did not end' if ($next // '') eq 'KILL';
        $limit = slow(5);
    }
    return $t->{exit};
}

sub wait_stranger {
    my ($pid, $limit) = @_;

    return wait_until(sub { !-e "/proc/$pid" }, $limit) ? 0 : undef;
}

# problems(): what was wrong with the server's end and logs; none, if all is
# well.
sub problems {
    my ($t) = @_;
    my @found;

    return if !$t->{pid} || $t->{failed} || $t->{given_up};
    my $wanted = $t->{exit_wanted} // 0;
    for my $exit (@{ $t->{exits} }, $t->stop // 'unknown') {
        push @found, "exit code: $exit" if $wanted ne 'any' && $exit ne $wanted;
    }

    for my $line (map { split /\n/, $t->read($_) } 'stderr', 'error.log') {
        push @found, $line
            if $line =~ /(?:Sanitizer|runtime error:)/
            || $line =~ /\[(?:alert|crit|emerg)\]/
            && !grep { $line =~ $_ } @{ $t->{expected} };
    }
    return @found;
}

# forget_server(): it is no longer this test's to look after.
sub forget_server { $_[0]{given_up} = 1 }

# log($name): the lines of a log, error.log if none is named.
sub log {
    my ($t, $name) = @_;

    return split /\n/, $t->read($name // 'error.log');
}

# wait_log(qr/.../, $name, $seconds): waits for a line of a log; the line.
sub wait_log {
    my ($t, $re, $name, $limit) = @_;
    my $found;

    wait_until(sub { ($found) = grep { $_ =~ $re } $t->log($name) }, $limit);
    return $found;
}


# ---- requests ---------------------------------------------------------------

# connect(%opt): a Weir::HTTP to %%PORT%%, or to port => N, a name of a port,
# or unix => path in the folder.
sub connect {
    my ($t, %opt) = @_;

    $opt{unix} = $t->path($opt{unix}) if $opt{unix};
    $opt{port} = $t->port if !defined $opt{port};
    $opt{port} = $t->port($opt{port}) if $opt{port} !~ /^\d+$/;
    return Weir::HTTP->new(%opt);
}

my @connect_options = qw(port unix local timeout);

# request($method, $uri, %opt): on a connection of its own, with Connection:
# close unless close => 0; options of connect(), its host being host_address,
# and of Weir::HTTP::send_request().
sub request {
    my ($t, $method, $uri, %opt) = @_;
    my %where = map { exists $opt{$_} ? ($_ => delete $opt{$_}) : () }
        @connect_options, 'host_address';

    $where{host} = delete $where{host_address} if $where{host_address};
    return $t->connect(%where)
        ->request($method, $uri, close => 1, %opt);
}

sub get  { my ($t, @a) = @_; return $t->request('GET', @a) }
sub head { my ($t, @a) = @_; return $t->request('HEAD', @a) }

sub post {
    my ($t, $uri, $body, @a) = @_;

    return $t->request('POST', $uri, body => $body, @a);
}

# answers($uri => $wanted, ...): a test for each GET; $wanted is the body, or
# [status, body], where a body may be a regular expression or left out.
sub answers {
    my ($t, @table) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    while (my ($uri, $wanted) = splice @table, 0, 2) {
        my ($status, $body) = ref $wanted eq 'ARRAY' ? @$wanted
                                                     : (undef, $wanted);
        my $r = $t->get($uri);
        Test::More::is($r->status, $status, "$uri: status")
            if defined $status;
        if (ref $body) {
            Test::More::like($r->body, $body, $uri);
        } elsif (defined $body) {
            Test::More::is($r->body, $body, $uri);
        }
    }
}

# outcomes($request => $wanted, ...): a request is a URI, with a method before
# it unless it is GET (POST has a small body); $wanted is what a redirect goes
# to, without this server's own address, or else the body; [status, text] where
# it is not 200, text left out where it does not matter.
sub outcomes {
    my ($t, @table) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $here = 'http://localhost:' . $t->port;

    while (my ($request, $wanted) = splice @table, 0, 2) {
        my ($status, $text) = ref $wanted ? @$wanted : (200, $wanted);
        my ($method, $uri) = $request =~ /^([A-Z]+) (.*)/ ? ($1, $2)
                                                          : ('GET', $request);
        my $r = $t->connect->request($method, $uri,
            ($method eq 'POST' ? (body => 'abcde') : ()));
        my $got = $r->header('Location') // $r->body;
        $got =~ s/^\Q$here\E//;

        Test::More::is($r->status, $status, $request);
        Test::More::is($got, $text, "$request: what") if defined $text;
    }
}

# raw($bytes, %opt): sends just these bytes; the first response.
sub raw {
    my ($t, $bytes, %opt) = @_;
    my $c = $t->connect(%opt);

    $c->send($bytes);
    return $c->read_response;
}


# ---- configurations that are only tested ------------------------------------

# conf_test($text, %opt): runs -t on a configuration; {code, out, err, first}
# with err as the binary wrote it, first = its first line without the severity
# and with F for the file's name, all the lines in lines.  $text is expanded by
# a test of its own, or opt{test}; opt{files} = { name => text }, opt{args}.
sub conf_test {
    my ($text, %opt) = @_;
    my $t = $opt{test} // Weir::Test->new;

    $t->write($_, $t->expand($opt{files}{$_})) for keys %{ $opt{files} // {} };
    my $conf = $t->conf($text);
    my ($code, $out, $err) = run_binary({ dir => $t->dir },
        '-t', '-p', $t->dir . '/', '-c', 'nginx.conf', '-e', 'error.log',
        @{ $opt{args} // [] });
    (my $short = $err) =~ s/\Q$conf\E/F/g;
    my @lines = split /\n/, $short;
    (my $first = $lines[0] // '') =~ s/^nginx: (?:\[\w+\] )?//;
    return { code => $code, out => $out, err => $err, first => $first,
             lines => \@lines, test => $t };
}


# ---- the end ----------------------------------------------------------------

{
    no warnings 'redefine';

    # done_testing(): one more test for each server: that it ended well.
    sub done_testing {
        for my $t (grep { $_->{pid} && !$_->{failed} } @all) {
            my @problems = $t->problems;
            local $Test::Builder::Level = $Test::Builder::Level + 1;
            Test::More::is(join("\n", @problems), '',
                           'the server ended well');
            $t->{seen} = 1;
        }
        Test::More::done_testing();
    }
}

# others(): the processes that the test started and that are still there.
sub others { return Weir::Processes::others($base) }

# end_others(): ends them, politely first.
sub end_others {
    for my $signal ('TERM', 'KILL') {
        my @left = others() or return;
        kill $signal, @left;
        wait_until(sub { 1 while waitpid(-1, WNOHANG) > 0; !others() },
                   slow($signal eq 'TERM' ? 1 : 5));
    }
}

# remove_base(): removes all folders, those that a test shut included.
sub remove_base {
    chdir '/';
    File::Find::find({ no_chdir => 1, wanted => sub {
        chmod 0700, $_ if !-l && -d;
    } }, $base);
    remove_tree($base);
}

END {
    my $code = $?;

    if ($$ == $owner) {
        for my $t (@all) {
            my @problems = $t->problems;
            if (@problems && !$t->{seen}) {
                print STDERR "# $_\n" for @problems;
                $code ||= 1;
            }
            print STDERR map { "# $_\n" } $t->log if $ENV{TEST_VERBOSE};
        }
        Weir::Backend::stop_all();
        end_others();
        system "umount -l '$_' 2>/dev/null" for @disks;
        remove_base() if defined $base && !$ENV{TEST_LEAVE};
    }
    $? = $code;
}

1;
