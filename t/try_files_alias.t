# SPDX-License-Identifier: BSD-2-Clause
#
# try_files where paths are made in different ways: a matrix of locations, of
# what is tried, of what answers, and of requests.  What comes of each stands
# in data/try_files_alias.tsv, as nginx has it; TEST_WRITE=1 prints that table
# as the binary has it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

# A name, the block around, root or alias, and where requests go.
my @locations = (
    ['root',    'location /b/ { S }',             'root D/html;',   '/b/'],
    ['alias',   'location /b/ { S }',             'alias D/al/;',   '/b/'],
    ['bare',    'location /b/ { S }',             'alias D/al;',    '/b/'],
    ['short',   'location /c { S }',              'alias D/al;',    '/c/'],
    ['odd',     'location /c { S }',              'alias D/al/;',   '/c/'],
    ['regex',   'location ~ ^/r/(.*)$ { S }',     'root D/html;',   '/r/'],
    ['capture', 'location ~ ^/r/(.*)$ { S }',     'alias D/al/$1;', '/r/'],
    ['fixed',   'location ~ ^/r/(.*)$ { S }',     'alias D/al/;',   '/r/'],
    ['nested',  'location /b/ { alias D/al/; location /b/n/ { S } }', '',
        '/b/n/'],
    ['within',  'location /b/ { alias D/al/; location ~ ^/b/n/(.*)$ { S } }',
        '', '/b/n/'],
    ['both',    'location ~ ^/r/ { alias D/al/a.txt; location ~ ^/r/(.*)$ { S } }',
        'alias D/al/$1;', '/r/'],
    ['broken',  'location /b/ { rewrite ^/b/(.*)$ /c/$1 break; S }',
        'root D/html;', '/b/'],
);
my @tries = ('$uri =404', '$uri $uri/ =404', '"" =404', '"" "/" =404',
    '/a.txt =404', '$uri.txt /q =404', '$1 /$1 =404', '$uri /fb',
    '$uri /b//b/index.php?$args', '$uri $uri/ /c/c/index.php?$args',
    '/none @named', '/sub/ =404', '/none /c$uri');
my @answers = ('', 'proxy_pass http://127.0.0.1:%%PORT_up%%;',
    'proxy_pass http://127.0.0.1:%%PORT_up%%/up/;');
my @uris = ('a.txt', 'none?x=1', 'sub', 'sub/', '', 'b/a.txt');

my $t = Weir::Test->new;
for my $dir (qw(al html html/b html/c html/r al/n html/b/n)) {
    $t->write("$dir/$_", "$dir/$_", mtime => 1600000000)
        for qw(a.txt q b/a.txt sub/index.html);
    $t->write("$dir/index.html", "$dir/", mtime => 1600000000)
        if $dir !~ /n$/;
}
$t->write('html/fb', 'fallback');
$t->write('al/index.php', 'script');

my (@rows, $conf);
for my $place (@locations) {
    my ($name, $block, $path, $base) = @$place;

    for my $try (@tries) {
        for my $answer (@answers) {
            next if $answer =~ m{/up/} && $block =~ /~/;
            next if $answer && $name eq 'broken' && $try =~ /^""/; # no URI
            my $settings = "$path try_files $try; $answer";
            (my $here = $block) =~ s/S/$settings/;
            my $host = 's' . @rows;
            $here =~ s/\bD\b/%%TESTDIR%%/g;
            $conf .= 'server { listen 127.0.0.1:%%PORT%%; '
                . "server_name $host; root %%TESTDIR%%/html; $here\n"
                . 'location @named { return 200 "named $uri?$args"; } '
                . 'location ~ \.php$ { return 200 '
                . "\"php \$uri?\$args \$request_filename\"; } }\n";
            push @rows, [$host, $name, $try,
                $answer =~ m{/up/} ? 'uri' : $answer ? 'pass' : 'file', $base];
        }
    }
}
$t->run("%%HTTP%% default_type text/plain; access_log off;\n"
    . 'server_names_hash_max_size 9999; error_log %%TESTDIR%%/crit.log crit; '
    . 'server { listen 127.0.0.1:%%PORT_up%%; '
    . "location / { return 200 \"up \$request_uri\"; } }\n$conf}");
if (is_oracle && !version_at_least('1.29.4')) {
    $t->expect_log(qr/exited on signal 11/, qr/shared memory/);
}

# What a request comes to, in a few words.
sub outcome {
    my ($host, $uri) = @_;
    my $r = $t->get($uri, host => $host);
    my $what = $r->header('Location') // ($r->status == 200 ? $r->body : '');
    my $dir = $t->dir;

    $what =~ s{^http://[^/]+}{};
    $what =~ s{\Q$dir\E}{D}g;
    return join ' ', $r->status || 'none', length $what ? $what : ();
}

my %wanted;
if (!$ENV{TEST_WRITE}) {
    for (grep { /\S/ && !/^#/ } split /\n/,
         $t->read("$FindBin::Bin/data/try_files_alias.tsv"))
    {
        my ($name, $try, $answer, @outcomes) = split /\t/;
        $wanted{"$name, try_files $try, $answer"} = join ' | ', @outcomes;
    }
}
for my $row (@rows) {
    my ($host, $name, $try, $answer, $base) = @$row;
    my $key = "$name, try_files $try, $answer";
    my $wanted = delete $wanted{$key} // '';

    # A URI that has become shorter than the location ended a worker of nginx.
    SKIP: {
        skip_before('1.29.4', $key) if $wanted =~ s/^! //;
        my @got = map { outcome($host, "$base$_") } @uris;
        print join("\t", $name, $try, $answer, @got), "\n" if $ENV{TEST_WRITE};
        is join(' | ', @got), $wanted, $key if !$ENV{TEST_WRITE};
    }
}
is join(', ', sort keys %wanted), '', 'each row of the table is of the matrix'
    if !$ENV{TEST_WRITE};

done_testing;
