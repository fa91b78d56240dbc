# SPDX-License-Identifier: BSD-2-Clause
#
# The configuration language: quoting, comments, variables in words, long
# words, include, -g; and the messages of data/messages.tsv, each of which must
# be the first line that the binary prints.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Weir::Test;

# Logs of a packaged nginx are where only root may write.
plan skip_all => 'needs root with this binary' if is_oracle() && $>;

# first_line($message): what -t says first of a bad configuration.
sub bad {
    my ($text, $message, $name, %opt) = @_;
    my $r = conf_test($text, %opt);

    is $r->{first}, $message, $name;
    is $r->{code}, 1, "$name: exit code";
    like $r->{err}, qr/test failed\n\z/, "$name: last line";
}

sub good {
    my ($text, $name, %opt) = @_;
    my $r = conf_test($text, %opt);

    is $r->{code}, 0, $name or diag $r->{err};
}

# ---- words: what they mean is seen in what the server answers ----

my $t = Weir::Test->new;
$t->write('sub/nested.conf', $t->expand(<<'EOC'));
# included from an included file, relative to nginx.conf's folder
location = /nested { return 200 nested; }
EOC
$t->write('sub/outer.conf', "include sub/nested.conf;\n");
$t->write('glob/20.conf', "set \$order \"\${order}2\";\n");
$t->write('glob/10.conf', "set \$order \"\${order}1\";\n");
$t->write('glob/30.txt', "nonsense");
my $long = 'x' x 4000;
$t->run(<<"EOC");
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        set \$a value;      # a comment; with a semicolon {
        set \$empty "";
        set \$order "";
        location = /plain { return 200 word; }
        location = /double { return 200 "two words; {} # no comment"; }
        location = /single { return 200 'two words; "quoted"'; }
        location = /escapes {
            return 200 "q\\"q s\\'s t\\tt n\\nn r\\rr b\\\\b";
        }
        location ~ "^/other\\.\\d\$" { return 200 other; }
        location = /unquoted { return 200 a\\ b\\;c\\{; }
        location = /hash { return 200 a#b; }
        location = /quote { return 200 a"b'c; }
        location = /braces { return 200 \${a}tail; }
        location = /dollar { return 200 "\$a/\${a}\$empty"; }
        location = /two
        {
            return
                200
                    lines
            ;
        }
        location = /lines { return 200 "one
two"; }
        location = /tight {return 200 tight;}
        location = /cr {\r\nreturn 200 cr;\r\n}
        location = "/quoted" { return 200 quoted; }
        "location" = /name { "return" 200 name; }
        location ~ "^/re{2}\$" { return 200 regex; }
        location = /long { return 200 "$long"; }
        location = /order { include glob/*.conf; return 200 \$order; }
        include sub/outer.conf;
        include "%%TESTDIR%%/sub/none*.conf";
    }
}
EOC

my %answers = (
    '/plain' => 'word',
    '/double' => 'two words; {} # no comment',
    '/single' => 'two words; "quoted"',
    '/escapes' => "q\"q s's t\tt n\nn r\rr b\\b",
    '/unquoted' => 'a\\ b\\;c\\{',
    '/hash' => 'a#b',
    '/quote' => 'a"b\'c',
    '/braces' => 'valuetail',
    '/dollar' => 'value/value',
    '/two' => 'lines',
    '/lines' => "one\ntwo",
    '/tight' => 'tight',
    '/cr' => 'cr',
    '/quoted' => 'quoted',
    '/name' => 'name',
    '/ree' => 'regex',
    '/other.7' => 'other',
    '/long' => $long,
    '/order' => '12',
    '/nested' => 'nested',
);
is $t->get($_)->body, $answers{$_}, "word in $_" for sort keys %answers;
$t->stop;

# ---- words: what is refused ----

bad('events {} http { root "a' . 'b' x 4096 . '"; }',
    'too long parameter, probably missing terminating """ character in F:1',
    'quoted word of more than 4096 bytes');
bad("events {}\nhttp { root " . 'b' x 4096 . '; }',
    'too long parameter "bbbbbbbbbb..." started in F:2',
    'word of more than 4096 bytes');
bad("events {}\nhttp {\nserver_names_hash_max_size \"512\"x;\n}",
    'unexpected "x" in F:3', 'word glued to a quoted one');
bad("events {}\nhttp { map a \$b { \"x\"y 1; } }",
    'unexpected "y" in F:2', 'word glued to a quoted one in a map');
bad("events {}\n}\n", 'unexpected "}" in F:2', 'one } too many');
bad("events {}\nhttp {\n\n", 'unexpected end of file, expecting "}" in F:4',
    'missing } at the end');
bad("events {}\n{\n}\n", 'unexpected "{" in F:2', '{ without a name');
bad("events {}\nuser", 'unexpected end of file, expecting ";" or "}" in F:2',
    'the file ends in a directive');
bad("\n\n\nno_such a b;", 'unknown directive "no_such" in F:4',
    'lines are counted');
bad("events {\n# c }\n}\nhttp { \"unfinished }",
    'unexpected end of file, expecting ";" or "}" in F:4',
    'the file ends in a quoted word');
bad("", 'the configuration file F syntax is ok', 'an empty file');
bad("http {}", 'the configuration file F syntax is ok', 'no events');
like conf_test("http {}")->{lines}[1],
    qr/^nginx: \[emerg\] no "events" section in configuration$/,
    'no events: the message';
good("events {}\n# comment at the end", 'comment without a newline');
good("events {} # }{;\"'", 'comment of special characters');
good("events{}http{server{listen 127.0.0.1:%%PORT%%;}}", 'no blanks at all');

# ---- include ----

{
    my $r = conf_test("events {}\ninclude nosuch.conf;\n");
    my $dir = $r->{test}->dir;
    is $r->{first}, qq{open() "$dir/nosuch.conf" failed }
        . '(2: No such file or directory) in F:2', 'missing include';

    good("events {}\ninclude nosuch*.conf;", 'a glob may match nothing');

    $r = conf_test("events {}\ninclude a.conf;\n",
                   files => { 'a.conf' => "\n\nbogus;\n" });
    $dir = $r->{test}->dir;
    is $r->{first}, qq{unknown directive "bogus" in $dir/a.conf:3},
        'error in an included file';

    $r = conf_test("events {}\ninclude a.conf;\n}",
                   files => { 'a.conf' => "http {\n" });
    $dir = $r->{test}->dir;
    is $r->{first}, 'unexpected end of file, expecting "}" in '
        . "$dir/a.conf:2", 'a block ends in its own file';
    $r = conf_test("include conf.d/*.conf;\ninclude plain.conf;\n",
        files => { 'conf.d/events.conf' => "events {\ninclude ev.conf;\n}\n",
                   'ev.conf' => 'worker_connections 64;',
                   'plain.conf' => "worker_processes 2;\n" });
    is $r->{code}, 0, 'include on each level' or diag $r->{err};
}

# ---- -g ----

good("events {}", '-g', args => ['-g', 'worker_processes 3; env A;']);
bad("events {}\nworker_processes 2;",
    '"worker_processes" directive is duplicate in F:2',
    '-g counts as the same level', args => ['-g', 'worker_processes 3;']);
bad("events {}", 'unknown directive "bogus" in command line',
    'unknown directive in -g', args => ['-g', 'bogus on;']);
bad("events {}", 'unexpected end of parameter, expecting ";" in command line',
    '-g without ;', args => ['-g', 'worker_processes 1']);
is conf_test("http {}", args => ['-g', 'events {}'])->{code}, 1,
    'a block in -g';

# ---- all errors in one run, with hints ----

sub explained { return conf_test($_[0], args => ['--lint']) }

SKIP: {
    skip 'one error is all that it tells', 10 if is_oracle();

    my $r = explained(<<'EOC');
events {}
http {
    server {
        lisen 80;
        root a b;
        location / { retrun 200; }
        sendfile yes;
    }
    bogus_that_is_like_nothing { x y; }
    keepalive_timeout 5;
}
EOC
    my @errors = grep { /\[emerg\]/ } @{ $r->{lines} };
    is_deeply \@errors, [map { "nginx: [emerg] $_" }
        'unknown directive "lisen" in F:4',
        'invalid number of arguments in "root" directive in F:5',
        'unknown directive "retrun" in F:6',
        'invalid value "yes" in "sendfile" directive, '
            . 'it must be "on" or "off" in F:7',
        'unknown directive "bogus_that_is_like_nothing" in F:9',
    ], 'every error is told';
    like $r->{err}, qr/^ *4 \| +lisen 80;\n *\| +\^\n/m,
        'the line and a caret under it';
    like $r->{err}, qr/did you mean "listen"\?/, 'did you mean: listen';
    like $r->{err}, qr/did you mean "return"\?/, 'did you mean: return';
    is scalar(() = $r->{err} =~ /did you mean/g), 2,
        'no guess where nothing is close';
    is $r->{lines}[-1], 'nginx: configuration file F test failed',
        'the last line';
    is scalar(() = $r->{err} =~ /test failed/g), 1, 'said once';

    $r = explained("events {}\nhttp {\njs_import a.js;\nbogus;\n}\n");
    is $r->{first}, 'directive "js_import" is not supported by this '
        . 'build in F:3', 'a directive that is missing';
    is scalar(grep { /\[emerg\]/ } @{ $r->{lines} }), 2, 'and the next error';
    is $r->{code}, 1, 'its exit code';

    # Variables too, but for those that a faulty statement may define.
    $r = explained("events {}\nhttp { server {\nbogus on;\n"
        . "return 200 \$remote_adr;\nmap \$uri \$m { a b; }\n"
        . "location / { return 200 \$m; }\n}}\n");
    is_deeply [grep { /\[emerg\]/ } @{ $r->{lines} }],
        [map { "nginx: [emerg] $_" } 'unknown directive "bogus" in F:3',
         '"map" directive is not allowed here in F:5',
         'unknown "remote_adr" variable'], 'variables with other errors';
    like $r->{err}, qr/did you mean "remote_addr"/, 'did you mean: variables';

    # What nginx has and this build has not is not called a slip.
    $r = explained("events {}\nhttp { server {\nreturn 200 \$geoip_city;\n"
        . "location / { return 200 \$ssl_preread_protocol; }\n}}\n");
    is $r->{first}, 'unknown "geoip_city" variable', 'a missing variable';
    like $r->{err}, qr/"geoip_city"\ variable\n.*:3\n.*\n\ +nginx\ has\ it\ \(http_geoip\):\ it\ is\ not\ supported\ by\ this
        \ build\n/x, 'whose it is';
    unlike $r->{err}, qr/"ssl_preread_protocol" variable\n.*\n.*\n.*\n *nginx has/,
        'of stream: unknown in http';

    # What is only seen at the end is reported along, and what follows from
    # an earlier error is not.
    $r = explained("events {}\nhttp {\nserver {\nlisten 127.0.0.1:%%PORT%%;\n"
        . "server_name a b;\nlocation / { }\nlocation / { }\n"
        . "location /a {\nlocation /ab { }\nlocation /ab { }\n}\nbogus;\n}\n"
        . "upstream u {\n}\nupstream v { server 1:x; }\n"
        . "server {\nlisten 127.0.0.1:%%PORT%%;\nserver_name b ~(;\n}\n"
        . "server { listen 127.0.0.1:%%PORT%%; }\n}\n");
    is_deeply [map { s/pcre2_compile\(\) failed: .*/bad pattern/r }
               grep { /\[(?:emerg|warn)\]/ } @{ $r->{lines} }],
        [map { "nginx: $_" } '[emerg] unknown directive "bogus" in F:12',
         '[emerg] no servers are inside upstream in F:15',
         '[emerg] invalid port in upstream "1:x" in F:16',
         '[emerg] bad pattern', '[emerg] duplicate location "/" in F:7',
         '[emerg] duplicate location "/ab" in F:10',
         '[warn] conflicting server name "b" on 127.0.0.1:'
             . $r->{test}->port . ', ignored'],
        'what stands there twice, with other errors';

    # Behind a missing "{" what stands within is read as being within.
    for (["http {\nserver\nlisten 127.0.0.1:%%PORT%%;\nlocation / { }\n}\n"
              . "server { bogus; }\n}", 'server', 3, 2, 6],
         ["http\nserver { listen 127.0.0.1:%%PORT%%; }\nserver { bogus; }\n}",
          undef, 2, 1, 3],
         ["http {\nmap \$uri \$x\na b;\nc d;\n}\nbogus;\n}",
          'map', 3, 2, 6],
         ["http {\nserver {\nlocation /\nroot a;\n}\nbogus; }\n}",
          'location', 4, 3, 6]) {
        my ($text, $name, $line, $at, $bogus) = @$_;
        $r = explained("$text\nevents {}\n");
        is_deeply [grep { /emerg|missing/ } @{ $r->{lines} }],
            ['nginx: [emerg] ' . (defined $name
                 ? "directive \"$name\" has no opening \"{\""
                 : 'invalid number of arguments in "http" directive')
                 . " in F:$line",
             "       is the \"{\" missing at the end of line $at?",
             "nginx: [emerg] unknown directive \"bogus\" in F:$bogus"],
            'a missing "{": ' . $text =~ s/\n/ /gr or diag $r->{err};
    }

    # What is forgotten is noticed lines later.
    for (["root /a\nindex b;\n", 'is the ";" missing at the end of line 3'],
         ["location /\nreturn 200;\n", 'is the "{" missing at the end of line 3'],
         ["location / {\nroot /b\n}\n", 'is the ";" missing at the end of line 4'],
         ["location / {\n", "2 | http { server {\n"
              . '       this block is not closed'],
         ["try_files a;\nroot /b;\n", ''], ["set \$a\nb c;\n", '']) {
        my ($text, $hint) = @$_;
        $r = explained("events {}\nhttp { server {\n$text}}\n");
        ok $hint eq '' ? $r->{err} !~ /missing at the end|not closed/
                       : index($r->{err}, $hint) > 0,
            'forgotten: ' . $text =~ s/\n/ /gr or diag $r->{err};
    }
}

# ---- what has no effect is judged all the same ----

my $listen = 'listen 127.0.0.1:%%%%PORT%%%%;';     # for sprintf
my %sized = (
    'http' => "events {}\nhttp {\n%s\nserver { $listen }\n}\n",
    'server' => "events {}\nhttp { server {\n%s\n$listen }\n}\n",
);
for (map({ my $table = $_;
           map { [ http => "${table}_hash_$_" ] } qw(max_size bucket_size) }
         qw(map server_names variables proxy_headers types)),
     [ server => 'referer_hash_max_size' ],
     [ server => 'referer_hash_bucket_size' ]) {
    my ($block, $name) = @$_;

    bad(sprintf($sized{$block}, "$name $_;"),
        "\"$name\" directive invalid number in F:3", "$name $_")
        for qw(abc -1 10k 1.5);
    bad(sprintf($sized{$block}, "$name 2048;\n$name 2048;"),
        "\"$name\" directive is duplicate in F:4", "$name: twice");
    good(sprintf($sized{$block}, "$name 2048;"), $name);
}
for my $name (qw(connection_pool_size request_pool_size)) {
    bad(sprintf($sized{http}, "$name x;"),
        "\"$name\" directive invalid value in F:3", "$name: no size");
    bad(sprintf($sized{http}, "$name 96;"),
        'the pool size must be no less than 112 in F:3', "$name: too small");
    bad(sprintf($sized{http}, "$name 200;"),
        'the pool size must be a multiple of 16 in F:3', "$name: odd");
    bad(sprintf($sized{http}, "$name 512;\n$name 512;"),
        "\"$name\" directive is duplicate in F:4", "$name: twice");
}
bad(sprintf($sized{http}, 'connection_pool_size 16k;'),
    'the "large_client_header_buffers" size must be equal to or greater '
    . 'than "connection_pool_size" in F:5',
    'connection_pool_size: larger than the buffers');
good(sprintf($sized{http}, 'connection_pool_size 16k; '
    . 'large_client_header_buffers 4 16k;'), 'connection_pool_size, as large');

SKIP: {
    skip_before '1.27.4', 'ssl_object_cache_inheritable', 4;
    bad("ssl_object_cache_inheritable x;\nevents {}\n",
        'invalid value "x" in "ssl_object_cache_inheritable" directive, it '
        . 'must be "on" or "off" in F:1', 'a flag without effect');
    good("ssl_object_cache_inheritable off;\nevents {}\n", 'and a good one');
}

# ---- rubbish ----

# Whatever it is, it is refused with a message, and nothing crashes.
my $seed = 42;
sub any { $seed = ($seed * 1103515245 + 12345) % 2147483648;
          return ($seed >> 8) % $_[0] }
my $sample = "events { worker_connections 10; }\nhttp {\n"
    . "  map \$uri \$x { ~^/a 1; default \"a b\"; }\n"
    . "  server { listen 127.0.0.1:%%PORT%%; location ~ \"\\.x{1}\$\" "
    . "{ return 200 \"\${uri}\"; } }\n}\n";
for my $try (1 .. 60) {
    my $text = $sample;
    if ($try <= 20) {
        $text = join '', map { chr any(256) } 1 .. 1 + any(400);
    } elsif ($try <= 40) {
        $text = substr $text, 0, any(length $text);
    } else {
        substr($text, any(length $text), 1) = chr any(256) for 1 .. 3;
    }
    my $r = conf_test($text);
    ok $r->{code} eq '1' && $r->{err} =~ /\[emerg\]/ || $r->{code} eq '0',
        "rubbish $try: refused in order"
        or diag "$r->{code}: $r->{err}";
}

# ---- the table of messages ----

my $busy = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
    or die;
open my $table, '<', "$FindBin::Bin/data/messages.tsv" or die;
while (my $row = <$table>) {
    chomp $row;
    my ($section, $key, $input, $output, $code, $note) = split /\t/, $row;
    next if $section eq 'section';

    SKIP: {
        skip_before $1, "$section $key", 2 if $note =~ /since ([\d.]+)/;
        skip 'user is for root', 2 if $key eq 'user-unknown' && $> != 0;
        check_row("$section: $key", unescape($input), unescape($output),
                  $code);
    }
}

sub unescape {
    my ($text) = @_;
    my %plain = (n => "\n", r => "\r", t => "\t", '\\' => '\\');

    $text =~ s/\((\d+) times a\)/'a' x $1/ge;
    $text =~ s/\\(x[0-9a-f]{2}|.)/
        length $1 == 3 ? chr hex substr $1, 1 : $plain{$1} \/\/ "\\$1"/gex;
    return $text;
}

# The expected output is one message, or "(syntax ok)" before or after one.
sub check_row {
    my ($name, $input, $output, $code) = @_;
    my $busy_port = $busy->sockport;

    $input =~ s/%%PORT_busy%%/$busy_port/g;
    # otherwise it is a warning (t/upstream_names.t)
    $input =~ s/^http \{/http { upstream_unresolved emerg;/m
        if !is_oracle() && $output =~ /host not found in upstream/;
    my $test = Weir::Test->new;
    my $r = conf_test($input, test => $test, files => {
        'inc/bad.conf' => "\nbogus on;\n",
        'inc/unclosed.conf' => "location / {\n",
    });
    my $wanted = $test->expand($output);
    $wanted =~ s/\bFILE\b/F/g;
    my $ok = 'nginx: the configuration file F syntax is ok';
    my @wanted = map { $_ eq '(syntax ok)' ? $ok : $_ }
        split /\n|(?<=\(syntax ok\)) /, $wanted;
    push @wanted, 'nginx: configuration file F test '
        . ($code ? 'failed' : 'is successful');

    # Hints may stand between the lines, but none before the first.
    my @got = @{ $r->{lines} };
    my %wanted = map { $_ => 1 } @wanted;
    @got = ($got[0], grep { $wanted{$_} } @got[1 .. $#got]) if !is_oracle();
    is join("\n", @got), join("\n", @wanted), $name;
    is $r->{code}, $code, "$name: exit code";
}

done_testing;
