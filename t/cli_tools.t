# SPDX-License-Identifier: BSD-2-Clause
#
# Tools read what -t, -s and a start print: on a pipe, and in the error log,
# the lines are nginx's alone.  A terminal shows more.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test qw(:DEFAULT top_folder);

my $t = Weir::Test->new;
my $dir = $t->dir;
my $port = $t->port;

sub site {
    my ($server) = @_;

    return "pid $dir/server.pid;\nevents { }\nhttp {\naccess_log off;\n"
        . "server {\nlisten 127.0.0.1:$port;\n$server\n}\n}\n";
}

# A fault that is hinted at, one behind it, and a warning between them.
my $bad = site("lisen 80;\nserver_name a/*b;\nlocation / { retrun 200; }");
my $text = qq{unknown directive "lisen" in $dir/bad.conf:7};
my $message = "nginx: [emerg] $text\n";
my $odd = site('location /a { alias /b/; }');       # alias-traversal

$t->write('bad.conf', $bad);
$t->write('odd.conf', $odd);
$t->mkdir('logs');

sub arguments {
    my ($conf, @more) = @_;

    return ('-p', "$dir/", '-e', 'error.log', '-c', $conf, @more);
}

sub says {
    my ($name, $code, $err, @args) = @_;
    my ($got, $out, $said) = run_binary({ dir => $dir }, @args);

    is $said, $err, "$name: standard error";
    is $got, $code, "$name: exit code";
    return $out;
}

my $failed = "nginx: configuration file $dir/bad.conf test failed\n";
my $passed = "nginx: the configuration file $dir/odd.conf syntax is ok\n"
    . "nginx: configuration file $dir/odd.conf test is successful\n";

# Lines of the error log about the configuration, without their date.
sub logged {
    return map { s/^\S+ \S+ (\[\w+\]) \d+#\d+: /$1 /r } $t->log;
}


# ---- a pipe ----

says('-t', 1, $message . $failed, arguments('bad.conf', '-t'));
says('-tq', 1, $message . $failed, arguments('bad.conf', '-tq'));
says('-T', 1, $message . $failed, arguments('bad.conf', '-T'));
says('-t, lint', 0, $passed, arguments('odd.conf', '-t'));
says('-t -q, lint', 0, '', arguments('odd.conf', '-t', '-q'));
says("-s $_", 1, $message, arguments('bad.conf', '-s', $_))
    for qw(reload stop);
says('start', 1, $message, arguments('bad.conf'));
is_deeply [logged()], [("[emerg] $text") x 6], 'the error log: the same alone';

# What nginx has and this build lacks is the error where there is no other.
SKIP: {
    skip 'nginx has it', 4 if is_oracle();
    my $lacks = qq{directive "js_access" is not supported by this build};

    $t->write('lacks.conf', site("location / { js_access x; }\nlisen 80;"));
    says('another error', 1,
         qq{nginx: [emerg] unknown directive "lisen" in $dir/lacks.conf:8\n}
         . "nginx: configuration file $dir/lacks.conf test failed\n",
         arguments('lacks.conf', '-t'));
    $t->write('lacks.conf', site('location / { js_access x; }'));
    says('no other error', 1,
         "nginx: [emerg] $lacks in $dir/lacks.conf:7\n"
         . "nginx: configuration file $dir/lacks.conf test failed\n",
         arguments('lacks.conf', '-t'));
}


# ---- reload ----

my $server = Weir::Test->new;
my $good = $server->expand("%%GLOBALS%%\nevents { }\nhttp {\n%%GLOBALS_HTTP%%\n"
    . "server {\nlisten 127.0.0.1:%%PORT%%;\n%s\n}\n}\n");
$server->run(sprintf $good, 'return 200 first;');
$server->expect_log(qr/unknown directive/);
$server->write('nginx.conf', sprintf $good,
    "lisen 80;\nserver_name a/*b;\nretrun 200;\nalias;");
$server->signal('HUP');
ok $server->wait_log(qr/unknown directive "lisen"/), 'a reload with errors';
is $server->get('/')->body, 'first', 'the old one serves on';
is scalar(grep { /\[(?:emerg|warn)\]|did you mean| \| / } $server->log), 1,
    'one line of it in the error log';


# ---- asked for ----

SKIP: {
    skip 'weir\'s own', 12 if is_oracle();

    for my $option ('--lint', '--json') {
        my (undef, undef, $err)
            = run_binary({ dir => $dir }, arguments('bad.conf', '-t', $option));
        like $err, qr/^ *7 \| lisen 80;\n *\| \^\n *did you mean "listen"\?$/m,
            "$option: the line, a caret and a hint";
        like $err, qr/^nginx: \[emerg\] unknown directive "retrun"/m,
            "$option: the second error";
        (undef, undef, $err)
            = run_binary({ dir => $dir }, arguments('odd.conf', '-t', $option));
        like $err, qr/\A\Q$passed\Enginx: \[lint\] alias-traversal: /,
            "$option: lint";
    }
    my (undef, undef, $err) = run_binary({ dir => $dir },
        arguments('odd.conf', '-t', '--lint', '--no-lint'));
    is $err, $passed, '--no-lint: no lint';
    says('--lint without -t', 1, qq{nginx: option "--lint" needs "-t"\n},
         arguments('odd.conf', '--lint', '-s', 'stop'));
    is scalar(grep { !/ directive "(?:lisen|js_access)" / } $t->log), 0,
        'the error log has the first error only';
}


# ---- a terminal ----

SKIP: {
    skip 'weir\'s own', 8 if is_oracle();
    skip 'no terminal', 8 if !run_on_terminal('-v');

    my ($code, $shown) = run_on_terminal({ dir => $dir },
                                         arguments('bad.conf', '-t'));
    is $code, 1, 'a terminal: exit code';
    like $shown, qr/\A\Q$message\E *7 \| lisen 80;\n *\| \^\n *did\ you\ mean/,
        'a terminal: the line, a caret and a hint';
    like $shown, qr/"retrun" in \S+:9\n/, 'a terminal: the second error';
    like $shown, qr/\Q$failed\E\z/, 'a terminal: the verdict';
    ($code, $shown) = run_on_terminal({ dir => $dir },
                                      arguments('odd.conf', '-t'));
    like $shown, qr/\A\Q$passed\Enginx: \[lint\] alias-traversal: /,
        'a terminal: lint';
    for ([start => []], ['-s' => ['-s', 'reload']]) {
        my ($name, $args) = @$_;
        ($code, $shown) = run_on_terminal({ dir => $dir },
                                          arguments('bad.conf', @$args));
        like $shown, qr/did you mean "listen".*"retrun"/s, "a terminal: $name";
    }
    is scalar(grep { !/ directive "(?:lisen|js_access)" / } $t->log), 0,
        'the error log has the first error only';
}


# ---- versions ----

my (undef, undef, $version) = run_binary('-V');
my ($behind) = $version =~ m{\Anginx version: nginx/[\d.]+(.*)\n};
unlike $behind, qr{/|emerg|alert|crit|error|warn|notice|info|debug|plus}i,
    '-V: what stands behind the version';
unlike $version, qr/ --conf-path=\S*$/m, '-V: --conf-path= is not the last';

# chosen($option): what configure says of it.
sub chosen {
    my ($option) = @_;

    open my $run, '-|', 'sh', '-c', 'cd "$1" && shift && . auto/options 2>&1 '
        . '&& printf %s "$BUILD_NAME"', 'sh', top_folder(), $option
        or die "sh: $!\n";
    local $/;
    return scalar <$run>;
}

is chosen('--build=Debian 12'), 'Debian 12', '--build: a name';
like chosen("--build=$_"), qr/^configure: error: --build must not contain /,
    "--build: $_"
    for 'a/1', 'nginx-plus-r30', 'Plus', 'debug', 'no-Error';

done_testing;
