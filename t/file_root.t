# SPDX-License-Identifier: BSD-2-Clause
#
# The folder "/" of the file system, by every way that leads to it, and root
# and alias without a path, which are the prefix.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/f', 'the file');
$t->write('f', 'in the prefix');
chmod 0777, $t->mkdir('seen');
symlink '/', $t->path('html/top');
symlink 'html/f', $t->path('link');
$t->run(<<'EOC');
%%HTTP%%
    log_format seen '$uri';
    default_type text/plain;
    server { listen 127.0.0.1:%%PORT%%; server_name root; root /;
        location / { autoindex on; }
        location /no/ { autoindex off; alias /; }
        location /kept/ { autoindex on; alias /; open_file_cache max=9; }
        location /links/ { autoindex on; alias /; disable_symlinks on; }
        location /try { try_files $uri / =404; }
        location /index/ { alias /; index etc/passwd; }
        location /paths { return 200 "$document_root|$request_filename"; }
        location /real { return 200 $realpath_root; }
        location /log { access_log %%TESTDIR%%/seen/$arg_n seen;
                        return 204; }
    }
    server { listen 127.0.0.1:%%PORT%%; server_name alias;
        location ~ ^/re(/.*)$ { alias $1; autoindex on; }
        location /d { if (-d $arg_p) { return 200 yes; } return 200 no; }
        location /e { if (-e $arg_p) { return 200 yes; } return 200 no; }
        location /f { if (-f $arg_p) { return 200 yes; } return 200 no; }
        location /x { if (-x $arg_p) { return 200 yes; } return 200 no; }
    }
    server { listen 127.0.0.1:%%PORT%%; server_name link;
        root %%TESTDIR%%/html;
        location /from/ { disable_symlinks on from=/; alias %%TESTDIR%%/; }
        location /top/ { autoindex on; }
    }
    server { listen 127.0.0.1:%%PORT%%; server_name empty; root "";
        location /html/top { return 200 "$document_root|$request_filename"; }
        location /alias/ { alias ""; }
        location /var/ { root $arg_p; }
    }
}
EOC

my $prefix = $t->dir . '/';
my @table = (
    # server, URI          status  in the body
    ['root',  '/',          200, qr{<a href="etc/">}],
    ['root',  '//',         200, qr{<a href="etc/">}],
    ['root',  '/..',        400],
    ['root',  '/etc',       301],
    ['root',  '/etc/',      200, qr{<a href="passwd">}],
    ['root',  '/etc/passwd', 200, qr{^root:}],
    ['root',  '/no/',       403],
    ['root',  '/no/etc/passwd', 200, qr{^root:}],
    ['root',  '/kept/',     200, qr{<a href="etc/">}],
    ['root',  '/links/',    200, qr{<a href="etc/">}],
    ['root',  '/try',       404],
    ['root',  '/index/',    200, qr{^root:}],
    ['root',  '/paths',     200, '|/paths'],
    ['root',  '/real',      200, '/'],
    ['alias', '/re/',       200, qr{<a href="etc/">}],
    ['alias', '/re/etc/passwd', 200, qr{^root:}],
    (map {
        my $path = $_;
        (['alias', "/d?p=$path", 200, 'yes'],
         ['alias', "/e?p=$path", 200, 'yes'],
         ['alias', "/f?p=$path", 200, 'no'],
         ['alias', "/x?p=$path", 200, 'yes']);
    } '/', '//', '/etc/..', "${prefix}html/top"),
    ['alias', '/d?p=',      200, 'no'],
    ['alias', '/e?p=',      200, 'no'],
    ['link',  '/top',       301],
    ['link',  '/top/',      200, qr{<a href="etc/">}],
    ['link',  '/top/etc/passwd', 200, qr{^root:}],
    ['link',  '/from/html/top', 403],
    ['link',  '/from/link', 403],
    ['link',  '/from/f',    200, 'in the prefix'],
    ['empty', '/f',         200, 'in the prefix'],
    ['empty', '/html/f',    200, 'the file'],
    ['empty', '/etc/passwd', 404],
    ['empty', '/alias/html/f', 200, 'the file'],
    ['empty', '/alias/etc/passwd', 404],
    ['empty', '/html/top',  200, "$prefix|$prefix/html/top"],
    ['empty', '/var/f?p=html', 404],
);
# Twice: what has been looked up may be remembered.
for my $row (@table, @table) {
    my ($host, $uri, $status, $body) = @$row;
    my $r = $t->get($uri, host => $host);
    my $got = $r->status . (defined $body ? ' ' . $r->body : '');

    ref $body ? like($r->body, $body, "$host $uri")
        : is($got, $status . (defined $body ? " $body" : ''), "$host $uri");
}
SKIP: {
    skip 'it looks for a folder without a name', 1 if is_oracle;
    $t->get('/log?n=1', host => 'root');
    ok $t->wait_log(qr{^/log$}, 'seen/1'), 'a log named by variables';
}

done_testing;
