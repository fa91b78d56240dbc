# SPDX-License-Identifier: BSD-2-Clause
#
# if: its conditions, and what it can hold.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/file', 'x');
$t->write('html/dir/x', 'x');
$t->write('html/run.sh', "#!/bin/sh\n", mode => 0755);
$t->write('html/a.txt', 'plain');
$t->write('other/a.txt', 'other');
symlink 'file', $t->dir . '/html/link';
symlink 'loop', $t->dir . '/html/loop';
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        if ($arg_stop) { return 403 stopped; }
        if ($http_host = other.test) { rewrite ^ /moved; }
        location /moved { return 200 moved; }

        location /true { if ($arg_a) { return 200 yes; } return 200 no; }
        location /equal { if ($arg_a = b) { return 200 yes; } return 200 no; }
        location /differs { if ($arg_a != b) { return 200 yes; }
                            return 200 no; }
        location /match { if ($arg_a ~ ^b(.)) { return 200 "yes $1"; }
                          return 200 no; }
        location /nocase { if ($arg_a ~* ^B) { return 200 yes; }
                           return 200 no; }
        location /nomatch { if ($arg_a !~ ^b) { return 200 yes; }
                            return 200 no; }
        location /nonocase { if ($arg_a !~* ^B) { return 200 yes; }
                             return 200 no; }
        location /named { if ($arg_a ~ (?<part>\d+)) { set $got $part; }
                          return 200 "got $got"; }
        location /file { if (-f %%TESTDIR%%/html/$arg_a) { return 200 yes; }
                         return 200 no; }
        location /notfile { if (!-f %%TESTDIR%%/html/$arg_a)
                                { return 200 yes; } return 200 no; }
        location /directory { if (-d %%TESTDIR%%/html/$arg_a)
                                  { return 200 yes; } return 200 no; }
        location /exists { if (-e %%TESTDIR%%/html/$arg_a)
                               { return 200 yes; } return 200 no; }
        location /executable { if (-x %%TESTDIR%%/html/$arg_a)
                                   { return 200 yes; } return 200 no; }
        location /notdir { if (!-d %%TESTDIR%%/html/$arg_a) { return 200 yes; }
                           return 200 no; }
        location /notthere { if (!-e %%TESTDIR%%/html/$arg_a) { return 200 yes; }
                             return 200 no; }
        location /notexec { if (!-x %%TESTDIR%%/html/$arg_a) { return 200 yes; }
                            return 200 no; }
        location /nolinks { disable_symlinks on from=%%TESTDIR%%;
            if (-f %%TESTDIR%%/html/$arg_a) { return 200 yes; }
            return 200 no; }
        location /method { if ($request_method = POST) { return 405; }
                           return 200 ok; }
        location /break { set $a 1; if ($arg_b) { break; } set $a 2;
                          return 200 "a=$a"; }
        location /several { set $s "";
            if ($arg_a) { set $s "${s}A"; }
            if ($arg_b) { set $s "${s}B"; }
            return 200 "s=$s"; }
        location /headers/ { alias %%TESTDIR%%/html/;
            add_header X-Outer yes;
            if ($arg_a) { add_header X-Inner yes; } }
        location /root { root %%TESTDIR%%/html;
            if ($arg_a) { root %%TESTDIR%%/other; }
            rewrite ^ /a.txt break; }
        location /proxied { proxy_pass http://127.0.0.1:%%PORT_one%%;
            if ($arg_a) { proxy_pass http://127.0.0.1:%%PORT_two%%; } }
        location /inherit { proxy_pass http://127.0.0.1:%%PORT_one%%;
            if ($arg_a) { set $x 1; } }
        location /spaces { if ( $arg_a ) { return 200 yes; } return 200 no; }
        location /quoted { if ($arg_a = "b c") { return 200 yes; }
                           if ($arg_a ~ "^b{2}$") { return 200 two; }
                           return 200 no; }
    }
    server { listen 127.0.0.1:%%PORT_one%%; return 200 "one $request_uri"; }
    server { listen 127.0.0.1:%%PORT_two%%; return 200 "two $request_uri"; }
}
EOC

$t->answers(
    # request                 answer
    '/true?a=1'            => 'yes',
    '/true?a=0'            => 'no',
    '/true?a='             => 'no',
    '/true'                => 'no',
    '/true?a=00'           => 'yes',
    '/equal?a=b'           => 'yes',
    '/equal?a=B'           => 'no',
    '/differs?a=b'         => 'no',
    '/differs'             => 'yes',
    '/match?a=bcd'         => 'yes c',
    '/match?a=xb'          => 'no',
    '/nocase?a=bcd'        => 'yes',
    '/nomatch?a=x'         => 'yes',
    '/nomatch?a=b'         => 'no',
    '/nonocase?a=b'        => 'no',
    '/named?a=x42'         => 'got 42',
    '/file?a=file'         => 'yes',
    '/file?a=dir'          => 'no',
    '/file?a=none'         => 'no',
    '/notfile?a=none'      => 'yes',
    '/notfile?a=file'      => 'no',
    '/directory?a=dir'     => 'yes',
    '/directory?a=file'    => 'no',
    '/exists?a=dir'        => 'yes',
    '/exists?a=none'       => 'no',
    '/executable?a=run.sh' => 'yes',
    '/executable?a=file'   => 'no',
    '/executable?a=dir'    => 'yes',
    '/notdir?a=dir'        => 'no',
    '/notdir?a=none'       => 'yes',
    '/notthere?a=dir'      => 'no',
    '/notthere?a=none'     => 'yes',
    '/notexec?a=run.sh'    => 'no',
    '/notexec?a=none'      => 'yes',
    '/file?a=link'         => 'yes',
    '/file?a=file/x'       => 'no',
    '/file?a=' . 'x' x 300 => 'no',
    '/file?a='             => 'no',
    '/exists?a=loop'       => 'no',
    '/nolinks?a=file'      => 'yes',
    '/nolinks?a=link'      => 'no',
    '/method'              => 'ok',
    '/break'               => 'a=2',
    '/several?a=1&b=1'     => 's=AB',
    '/several?b=1'         => 's=B',
    '/root'                => 'plain',
    '/root?a=1'            => 'other',
    '/proxied'             => 'one /proxied',
    '/proxied?a=1'         => 'two /proxied?a=1',
    '/inherit?a=1'         => 'one /inherit?a=1',
    '/spaces?a=1'          => 'yes',
    '/quoted?a=bb'         => 'two',
    '/true?stop=1'         => 'stopped',
);
is $t->get('/break?b=1')->status, 404, 'break: the return is not reached';
is $t->post('/method', 'x')->status, 405, 'POST /method';
is $t->get('/true', host => 'other.test')->body, 'moved', 'if in server';

my $r = $t->get('/headers/file');
is $r->header('X-Outer'), 'yes', 'if not taken: add_header of the location';
$r = $t->get('/headers/file?a=1');
is $r->header('X-Inner'), 'yes', 'if taken: its add_header';
is $r->header('X-Outer'), undef, 'if taken: in place of the outer ones';

ok $t->wait_log(qr{\[crit\] .* stat\(\) ".*/html/loop" failed \(40: }),
    'a file test that fails';
$t->expect_log(qr/Too many levels of symbolic links/);

done_testing;
